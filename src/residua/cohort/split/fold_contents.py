"""The patients with and without residual tumour in the folds and the hold-out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from residua.cohort.split.split import Split

HOLDOUT = "hold-out"


@dataclass(frozen=True)
class FoldRow:
    """One fold (its number) or the hold-out: hospitals, patients, and those with and without residual tumour."""

    name: str
    hospitals: tuple[str, ...]
    patients: int
    residual_tumor: int
    gross_total_resection: int

    @property
    def rt_ratio_percent(self) -> float | None:
        """Return the percentage of patients with residual tumour among those with a known volume; None without any."""
        known = self.residual_tumor + self.gross_total_resection
        return 100 * self.residual_tumor / known if known else None


def fold_table(split: Split, positives: Mapping[str, bool]) -> list[FoldRow]:
    """Return one row per fold, then the hold-out's.

    ``positives`` says by patient whether there is residual tumour; a missing patient counts as neither.
    """
    return [
        FoldRow(
            name,
            tuple(dict.fromkeys(split.hospitals[patient] for patient in members)),
            len(members),
            sum(positives.get(patient) is True for patient in members),
            sum(positives.get(patient) is False for patient in members),
        )
        for name, members in parts_of(split)
    ]


def parts_of(split: Split) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name and the patients of each fold, then of the hold-out."""
    yield from ((str(fold), split.folds[fold]) for fold in sorted(split.folds))
    yield HOLDOUT, split.holdout
