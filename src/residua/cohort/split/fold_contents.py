"""The patients with and without residual tumour in the folds and the hold-out, and warnings where none is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from residua.cohort.split.split import Split
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

HOLDOUT = "hold-out"

_KINDS = (
    (True, "fold-without-positives", "no patient with residual tumour", "recall and Dice of P are"),
    (False, "fold-without-negatives", "no patient with gross total resection", "specificity is"),
)


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
        for name, members in _parts(split)
    ]


def fold_contents_problems(split: Split, positives: Mapping[str, bool]) -> list[Problem]:
    """Return a warning for each fold, and for the hold-out, without patients of one of the two kinds.

    A part with a patient that ``positives`` lacks is not judged; a part without patients is an error of the split.
    """
    return [
        problem_of(
            check,
            f"{name if name == HOLDOUT else f'fold {name}'} has {lacking}, so that {undefined} undefined there",
            "move a hospital with such patients there, or balance the folds (method: balanced)",
            subject="hospital",
        )
        for name, members in _parts(split)
        if members and all(patient in positives for patient in members)
        for kind, check, lacking, undefined in _KINDS
        if all(positives[patient] is not kind for patient in members)
    ]


def _parts(split: Split) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((str(fold), split.folds[fold]) for fold in sorted(split.folds))
    yield HOLDOUT, split.holdout
