"""How many patients with and without residual tumour the folds and the hold-out have, and where one kind is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from residua.cohort.split.split import Split
from residua.problems.problem import Problem

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
        """Patients with residual tumour in percent of those of whom it is known; None when it is of nobody."""
        known = self.residual_tumor + self.gross_total_resection
        return 100 * self.residual_tumor / known if known else None


def fold_table(split: Split, positives: Mapping[str, bool]) -> list[FoldRow]:
    """One row a fold, then the hold-out's.

    ``positives`` says of each patient whether there is residual tumour; a patient who is missing counts as neither.
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
    """A warning for each fold, and for the hold-out, that lacks one of both kinds of patients.

    One with a patient of whom ``positives`` does not say the kind is not judged; one without patients is an error of
    the split.
    """
    return [
        Problem(
            f"{name if name == HOLDOUT else f'fold {name}'} has {lacking}, so that {undefined} undefined there",
            "move a hospital that has some, or balance the folds (method: balanced)",
            column="hospital",
            severity="warning",
            check=check,
        )
        for name, members in _parts(split)
        if members and all(patient in positives for patient in members)
        for kind, check, lacking, undefined in _KINDS
        if all(positives[patient] is not kind for patient in members)
    ]


def _parts(split: Split) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from ((str(fold), split.folds[fold]) for fold in sorted(split.folds))
    yield HOLDOUT, split.holdout
