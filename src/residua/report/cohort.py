"""Who took part: hospitals, patients, exclusions, and the proof that no hospital is on two sides of the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from residua.article.values import published_table1
from residua.cohort.folds import Split
from residua.report.wording import counted, listed


@dataclass(frozen=True)
class SideRow:
    """One fold of the proof: which hospitals train, validate and are held out, and which are on two sides."""

    fold: str
    training: str
    validation: str
    holdout: str
    overlap: str


@dataclass(frozen=True)
class CohortFacts:
    """Numbers and sentences of the cohort; nobody is named."""

    patients: int
    hospitals: int
    in_folds: int
    held_out: int
    folds: int
    holdout: str
    exclusions: tuple[tuple[str, int], ...]
    proof: tuple[SideRow, ...]
    proven: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """The cohort in words."""
        excluded = sum(number for _, number in self.exclusions)
        return (
            f"{counted(self.patients, 'patient')} of {counted(self.hospitals, 'hospital')} took part: "
            f"{self.in_folds} in {counted(self.folds, 'fold')}, each made of whole hospitals, and {self.held_out} held "
            f"out ({self.holdout}). " + (f"{counted(excluded, 'patient')} excluded." if excluded else "None excluded."),
            "No hospital is on two sides of any fold, and the hold-out is in none: the columns below have no hospital "
            "in common."
            if self.proven
            else "A hospital is on two sides of the split: the results below are not independent.",
        )


def cohort_facts(record: Mapping[str, Any]) -> CohortFacts:
    """What ``results/cohort/folds.json`` says, with the proof checked again from the patients themselves."""
    split = Split.from_json(record)
    proof = tuple(_side(split, fold) for fold in sorted(split.folds))
    return CohortFacts(
        patients=len(split.patients),
        hospitals=len(set(split.hospitals.values())),
        in_folds=len(split.patients) - len(split.holdout),
        held_out=len(split.holdout),
        folds=len(split.folds),
        holdout=listed(_hospitals(split, split.holdout)),
        exclusions=tuple(Counter(split.excluded.values()).most_common()),
        proof=proof,
        proven=not any(row.overlap for row in proof) and len(set(split.patients)) == len(split.patients),
    )


def is_the_articles_cohort(cases_by_hospital: Mapping[str, int]) -> bool:
    """Whether patients by hospital are those of the article's Table 1."""
    published = published_table1()
    return dict(cases_by_hospital) == dict(zip(published["hospital"], published["patients"].astype(int), strict=True))


def patients_by_hospital(record: Mapping[str, Any]) -> dict[str, int]:
    """Patients in the study by hospital."""
    return dict(Counter(record["hospitals"].values()))


def _side(split: Split, fold: int) -> SideRow:
    sides = [set(_hospitals(split, who)) for who in (split.training(fold), split.validation(fold), split.holdout)]
    training, validation, holdout = sides
    overlap = (training & validation) | (training & holdout) | (validation & holdout)
    columns = [", ".join(sorted(side)) for side in (*sides, overlap)]
    return SideRow(str(fold), *columns)


def _hospitals(split: Split, patients: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(split.hospitals[patient] for patient in patients))
