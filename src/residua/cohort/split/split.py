"""The split of a study: which patients train and validate each fold, and which are held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from residua.errors import ResiduaError


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
        """Return all patients that are not excluded: fold by fold, then the hold-out."""
        return (*(patient for fold in sorted(self.folds) for patient in self.folds[fold]), *self.holdout)

    def validation(self, fold: int) -> tuple[str, ...]:
        """Return the validation patients of ``fold``: the patients of its own hospitals."""
        return self.folds[fold]

    def training(self, fold: int) -> tuple[str, ...]:
        """Return the training patients of ``fold``: all other folds, in their order; never the hold-out."""
        return tuple(p for other in sorted(self.folds) if other != fold for p in self.folds[other])

    def fold_of(self, patient: str) -> int | None:
        """Return the fold that validates ``patient``; None for the hold-out. Raises ``ResiduaError`` for any other."""
        if patient in self.holdout:
            return None
        for fold, members in self.folds.items():
            if patient in members:
                return fold
        raise ResiduaError(f"patient {patient} is neither in a fold nor in the hold-out; see the cohort table")

    def parts(self) -> dict[str, str]:
        """Return the part of the split of each patient, in words: "fold 0", "the hold-out"."""
        parts = {patient: f"fold {fold}" for fold, members in self.folds.items() for patient in members}
        return parts | dict.fromkeys(self.holdout, "the hold-out")

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` makes the split, with the proof that no hospital is on two sides."""
        return {
            "folds": {str(fold): list(self.folds[fold]) for fold in sorted(self.folds)},
            "holdout": list(self.holdout),
            "excluded": dict(self.excluded),
            "hospitals": dict(self.hospitals),
            "proof": {str(fold): self.proof(fold) for fold in sorted(self.folds)},
        }

    def proof(self, fold: int) -> dict[str, list[str]]:
        """Return the hospitals of training, validation and hold-out of ``fold``, and those on two sides: none."""
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
        """Return the split that ``to_json`` described."""
        folds = {int(fold): tuple(members) for fold, members in record["folds"].items()}
        return cls(folds, tuple(record["holdout"]), dict(record["excluded"]), dict(record["hospitals"]))
