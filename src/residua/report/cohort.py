"""Describe the cohort: hospitals, patients, exclusions, and the proof that nobody is on two sides of the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from residua.article.values import printed_table1
from residua.cohort.anonymous import anonymous
from residua.cohort.split.split import Split, Unit
from residua.report.wording import counted, listed
from residua.settings.participation import Eligibility

_WITHIN_HOSPITALS = (
    "The sides share hospitals, scanners and surgeons. The results say how the networks do on other patients of these "
    "hospitals; they cannot show how the networks do at a hospital that they have not seen, where results are often "
    "worse."
)


@dataclass(frozen=True)
class SideRow:
    """One fold of the proof: the hospitals that train, validate and are held out, and those on two sides.

    In a split of persons, the number of persons: their names do not belong into a report.
    """

    fold: str
    training: str
    validation: str
    holdout: str
    overlap: str


@dataclass(frozen=True)
class CohortFacts:
    """Numbers and sentences of the cohort, without the name of a patient."""

    patients: int
    hospitals: int
    in_folds: int
    held_out: int
    folds: int
    holdout: str
    exclusions: tuple[tuple[str, int], ...]
    proof: tuple[SideRow, ...]
    proven: bool
    persons: int
    unit: Unit

    @property
    def scans(self) -> str:
        """Count the patients; where persons have several scans, the scans and the persons."""
        if self.persons == self.patients:
            return counted(self.patients, "patient")
        return f"{counted(self.patients, 'scan')} of {counted(self.persons, 'person')}"

    @property
    def sentences(self) -> tuple[str, ...]:
        """Describe the cohort in words."""
        excluded = sum(number for _, number in self.exclusions)
        return (
            f"{self.scans} of {counted(self.hospitals, 'hospital')} took part: "
            f"{self.in_folds} in {counted(self.folds, 'fold')} of whole {self.unit}s, and {self.held_out} in the "
            f"hold-out ({self.holdout}). "
            f"{counted(excluded, 'patient was', 'patients were') if excluded else 'None was'} excluded.",
            f"Training, validation and hold-out have no {self.unit} in common, as the proof of the split below shows."
            if self.proven
            else f"A {self.unit} is on two sides of the split: the results below are not independent.",
            *((_WITHIN_HOSPITALS,) if self.unit == "person" else ()),
        )


def cohort_facts(record: Mapping[str, Any]) -> CohortFacts:
    """Summarise ``results/cohort/folds.json``; the proof is made anew from the patients."""
    split = Split.from_json(record)
    proof = tuple(_side(split, fold) for fold in sorted(split.folds))
    everybody = {*split.patients, *split.excluded}
    reasons = [anonymous(reason, everybody) for reason in split.excluded.values()]
    return CohortFacts(
        patients=len(split.patients),
        hospitals=len(set(split.hospitals.values())),
        in_folds=len(split.patients) - len(split.holdout),
        held_out=len(split.holdout),
        folds=len(split.folds),
        holdout=_held_out(split),
        exclusions=tuple(Counter(reasons).most_common()),
        proof=proof,
        proven=not any(_is_shared(split, fold) for fold in split.folds)
        and len(set(split.patients)) == len(split.patients),
        persons=len({split.who(patient) for patient in split.patients}),
        unit=split.unit,
    )


def _held_out(split: Split) -> str:
    if split.unit == "hospital":
        return listed(_hospitals(split, split.holdout))
    return counted(len({split.who(patient) for patient in split.holdout}), "person")


def _is_shared(split: Split, fold: int) -> bool:
    proof = split.proof(fold)
    return bool(proof["overlap"] or proof.get("persons_on_two_sides"))


def eligibility(rule: Eligibility, cases: pd.DataFrame) -> str:
    """Count the patients of each input configuration.

    ``cases`` are the measurements: one row per network, input configuration and patient.
    """
    own = cases.drop_duplicates(["inputs", "patient"])
    counts = {str(inputs): rows["split"].value_counts() for inputs, rows in own.groupby("inputs", sort=False)}
    # Equal numbers may be of different patients.
    if len({frozenset(rows["patient"]) for _, rows in own.groupby("inputs", sort=False)}) == 1:
        if rule == "complete":
            return "All input configurations have the same patients: those with every sequence that any of them uses."
        return "Eligibility is decided for each input configuration; in this run all have the same patients."
    described = [
        f"{inputs} {count.sum()} ({count.get('validation', 0)} in folds, {count.get('test', 0)} held out)"
        for inputs, count in counts.items()
    ]
    return (
        "Eligibility is decided for each input configuration, which has the patients with all of its channels: "
        f"{listed(described)}. Rows of different configurations in Tables 3 and 4 are not of the same patients."
    )


def is_the_articles_cohort(cases_by_hospital: Mapping[str, int]) -> bool:
    """Return whether the patients by hospital are those of the article's Table 1."""
    published = printed_table1()
    return dict(cases_by_hospital) == dict(zip(published["hospital"], published["patients"].astype(int), strict=True))


def patients_by_hospital(record: Mapping[str, Any]) -> dict[str, int]:
    """Count the patients of the study by hospital."""
    return dict(Counter(record["hospitals"].values()))


def _side(split: Split, fold: int) -> SideRow:
    if split.unit == "person":
        found = split.proof(fold)
        named = (found[f"{side}_persons"] for side in ("training", "validation", "holdout"))
        return SideRow(str(fold), *(counted(len(who), "person") if who else "" for who in (*named, found["overlap"])))
    sides = [set(_hospitals(split, who)) for who in (split.training(fold), split.validation(fold), split.holdout)]
    training, validation, holdout = sides
    overlap = (training & validation) | (training & holdout) | (validation & holdout)
    columns = [", ".join(sorted(side)) for side in (*sides, overlap)]
    return SideRow(str(fold), *columns)


def _hospitals(split: Split, patients: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(split.hospitals[patient] for patient in patients))
