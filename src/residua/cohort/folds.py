"""Which patients train and validate each fold, and which are held out: whole hospitals, as the config says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from residua.cohort.problems import Problem, raise_problems
from residua.cohort.table import Patient
from residua.errors import ResiduaError
from residua.study import Study


@dataclass(frozen=True)
class Split:
    """Validation patients of each fold, hold-out patients and excluded ones (with the reason), in table order."""

    folds: Mapping[int, tuple[str, ...]]
    holdout: tuple[str, ...]
    excluded: Mapping[str, str]
    hospitals: Mapping[str, str]
    """The hospital of every patient in a fold or held out."""

    @property
    def patients(self) -> tuple[str, ...]:
        """All patients that are not excluded: fold by fold, then the hold-out."""
        return (*(patient for fold in sorted(self.folds) for patient in self.folds[fold]), *self.holdout)

    def validation(self, fold: int) -> tuple[str, ...]:
        """The patients that ``fold`` validates: its own hospitals."""
        return self.folds[fold]

    def training(self, fold: int) -> tuple[str, ...]:
        """The patients that train ``fold``: all other folds, in the order of the folds; never the hold-out."""
        return tuple(p for other in sorted(self.folds) if other != fold for p in self.folds[other])

    def fold_of(self, patient: str) -> int | None:
        """The fold that validates ``patient``; None for the hold-out. Raises ``ResiduaError`` for anyone else."""
        if patient in self.holdout:
            return None
        for fold, members in self.folds.items():
            if patient in members:
                return fold
        raise ResiduaError(f"patient {patient} is in no fold and not held out; see the cohort table")

    def to_json(self) -> dict[str, Any]:
        """Builtins from which ``from_json`` makes the split again, with the proof that no hospital is on two sides."""
        return {
            "folds": {str(fold): list(self.folds[fold]) for fold in sorted(self.folds)},
            "holdout": list(self.holdout),
            "excluded": dict(self.excluded),
            "hospitals": dict(self.hospitals),
            "proof": {str(fold): self._proof(fold) for fold in sorted(self.folds)},
        }

    def _proof(self, fold: int) -> dict[str, list[str]]:
        training = {self.hospitals[patient] for patient in self.training(fold)}
        validation = {self.hospitals[patient] for patient in self.validation(fold)}
        held_out = {self.hospitals[patient] for patient in self.holdout}
        return {
            "training_hospitals": sorted(training),
            "validation_hospitals": sorted(validation),
            "holdout_hospitals": sorted(held_out),
            "overlap": sorted((training & validation) | (training & held_out) | (validation & held_out)),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Split:
        """The split that ``to_json`` described."""
        folds = {int(fold): tuple(members) for fold, members in record["folds"].items()}
        return cls(folds, tuple(record["holdout"]), dict(record["excluded"]), dict(record["hospitals"]))


def split_patients(study: Study, patients: Iterable[Patient]) -> Split:
    """The split of ``patients`` by hospital that the config describes.

    Raises ``ResiduaError`` that lists at once: hospitals of the table that the config does not place, hospitals of the
    config without a patient, roles that contradict the config, and folds or a hold-out left without patients.
    """
    split, problems = assign(study, tuple(patients))
    raise_problems(problems, "The cohort does not fit the folds of the configuration")
    return split


def assign(study: Study, patients: Sequence[Patient]) -> tuple[Split, list[Problem]]:
    """Like ``split_patients``, but returns the problems beside the split. Never raises."""
    place: dict[str, int | None] = {h: fold for fold, hospitals in study.folds.items() for h in hospitals}
    place |= dict.fromkeys(study.holdout, None)
    members: dict[int | None, list[str]] = {None: [], **{fold: [] for fold in study.folds}}
    included = [patient for patient in patients if not patient.excluded]
    for patient in included:
        if patient.hospital in place:
            members[place[patient.hospital]].append(patient.patient)
    split = Split(
        folds={fold: tuple(members[fold]) for fold in sorted(study.folds)},
        holdout=tuple(members[None]),
        excluded={patient.patient: patient.exclusion_reason for patient in patients if patient.excluded},
        hospitals={patient.patient: patient.hospital for patient in included if patient.hospital in place},
    )
    problems = [*_unplaced(included, place), *_contradicting(included, place), *_unpopulated(study, patients, split)]
    return split, problems


def _unplaced(included: Sequence[Patient], place: Mapping[str, int | None]) -> list[Problem]:
    strangers: dict[str, list[Patient]] = {}
    for patient in included:
        if patient.hospital and patient.hospital not in place:
            strangers.setdefault(patient.hospital, []).append(patient)
    problems = []
    for hospital, members in strangers.items():
        close = get_close_matches(hospital.upper(), place, n=1)
        hint = f"did you mean {close[0]}? Otherwise " if close else ""
        what = f"hospital {hospital} ({len(members)} patient(s)) is in no fold and not held out"
        remedy = f"{hint}name it under folds or holdout in the config, or set role to exclude"
        problems.append(Problem(what, remedy, row=members[0].row, patient=members[0].patient, column="hospital"))
    return problems


def _contradicting(included: Sequence[Patient], place: Mapping[str, int | None]) -> list[Problem]:
    return [
        Problem(
            f"role holdout, but hospital {p.hospital} is in fold {place[p.hospital]} of the config",
            f"set role to auto, or move {p.hospital} from folds to holdout in the config",
            row=p.row,
            patient=p.patient,
            column="role",
        )
        for p in included
        if p.role == "holdout" and place.get(p.hospital) is not None
    ]


def _unpopulated(study: Study, patients: Sequence[Patient], split: Split) -> list[Problem]:
    present = {patient.hospital for patient in patients}
    parts = [(f"folds.{fold}", study.folds[fold], split.folds[fold]) for fold in sorted(study.folds)]
    parts.append(("holdout", study.holdout, split.holdout))
    problems = []
    for key, hospitals, members in parts:
        absent = [hospital for hospital in hospitals if hospital not in present]
        problems += [
            Problem(
                f"{key} of the config names hospital {hospital}, which has no patient in the table",
                "correct its name, or remove it from the config",
                column="hospital",
            )
            for hospital in absent
        ]
        if not members and not absent:
            what = f"{key} of the config is left without patients: all of {', '.join(hospitals)} are excluded"
            problems.append(Problem(what, "include some of them, or change the folds in the config", column="role"))
    return problems
