"""The split of a study: which patients train and validate each fold, and which are held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any, Literal

from residua.errors import ResiduaError

Unit = Literal["hospital", "person"]


@dataclass(frozen=True)
class Split:
    """Validation patients of each fold, hold-out patients and excluded ones (with the reason), in table order."""

    folds: Mapping[int, tuple[str, ...]]
    holdout: tuple[str, ...]
    excluded: Mapping[str, str]
    hospitals: Mapping[str, str]
    """The hospital of every patient in a fold or held out."""
    persons: Mapping[str, str] = field(default_factory=dict)
    """The person of each patient whose name is another than the person's: one person may have several scans."""
    unit: Unit = "hospital"
    """What lies in one part as a whole."""

    def who(self, patient: str) -> str:
        """Return the person of a patient."""
        return self.persons.get(patient, patient)

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

    def without(self, reasons: Mapping[str, str]) -> Split:
        """Return the split without the patients of ``reasons``, who are excluded for them; nobody changes places."""

        def kept(members: Mapping[str, str]) -> dict[str, str]:
            return {patient: value for patient, value in members.items() if patient not in reasons}

        return replace(
            self,
            folds={fold: tuple(p for p in members if p not in reasons) for fold, members in self.folds.items()},
            holdout=tuple(p for p in self.holdout if p not in reasons),
            excluded={**self.excluded, **reasons},
            hospitals=kept(self.hospitals),
            persons=kept(self.persons),
        )

    def parts(self) -> dict[str, str]:
        """Return the part of the split of each patient, in words: "fold 0", "the hold-out"."""
        parts = {patient: f"fold {fold}" for fold, members in self.folds.items() for patient in members}
        return parts | dict.fromkeys(self.holdout, "the hold-out")

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` makes the split, with the proof that no unit is on two sides."""
        persons = {"persons": dict(self.persons)} if self.persons or self.unit == "person" else {}
        return {
            **({"unit": self.unit} if self.unit != "hospital" else {}),
            "folds": {str(fold): list(self.folds[fold]) for fold in sorted(self.folds)},
            "holdout": list(self.holdout),
            "excluded": dict(self.excluded),
            "hospitals": dict(self.hospitals),
            **persons,
            "proof": {str(fold): self.proof(fold) for fold in sorted(self.folds)},
        }

    def proof(self, fold: int) -> dict[str, list[str]]:
        """Return the hospitals or persons of training, validation and hold-out of ``fold``, and those on two sides.

        There are none on two sides. A split of hospitals whose persons have several scans proves it of both.
        """
        sides = (self.training(fold), self.validation(fold), self.holdout)
        persons = [{self.who(patient) for patient in side} for side in sides]
        units = persons if self.unit == "person" else [{self.hospitals[p] for p in side} for side in sides]
        names = (f"{side}_{self.unit}s" for side in ("training", "validation", "holdout"))
        return {
            **{name: sorted(own) for name, own in zip(names, units, strict=True)},
            "overlap": _on_two(units),
            **({"persons_on_two_sides": _on_two(persons)} if self.persons and self.unit == "hospital" else {}),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Split:
        """Return the split that ``to_json`` described."""
        folds = {int(fold): tuple(members) for fold, members in record["folds"].items()}
        persons, unit = dict(record.get("persons", {})), record.get("unit", "hospital")
        named = (dict(record["excluded"]), dict(record["hospitals"]))
        return cls(folds, tuple(record["holdout"]), *named, persons, unit)


def _on_two(sides: Sequence[set[str]]) -> list[str]:
    return sorted(set().union(*(one & other for one, other in combinations(sides, 2))))
