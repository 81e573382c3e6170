"""The table of the fold of each hospital: columns ``hospital`` and ``fold``, one row per hospital."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from residua.cohort.split.unit_table import UnitTable
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

CHECK = "folds-table"
_TABLE = UnitTable("hospital", CHECK, "hospital {name} is also in row {row}")


class Placed(NamedTuple):
    """The fold of a hospital, and its line in the table."""

    fold: int
    row: int


def read_placement(path: str) -> tuple[dict[str, Placed], list[Problem]]:
    """Return the fold of each hospital in the order of the table, and all problems of the table. Never raises."""
    found, problems = _TABLE.read(path)
    # The table has no word for held out, so that every place is a fold.
    placed = {hospital: Placed(place.fold, place.row) for hospital, place in found.items() if place.fold is not None}
    if not problems:
        problems += [replace(problem, file=path) for problem in _number_problems(placed)]
    return placed, problems


def write_placement(path: str, placement: Mapping[int, Sequence[str]]) -> None:
    """Write the table that ``read_placement`` reads, fold by fold."""
    _TABLE.write(path, ((hospital, fold) for fold in sorted(placement) for hospital in placement[fold]))


def by_fold(placed: Mapping[str, Placed]) -> dict[int, tuple[str, ...]]:
    """Return the hospitals of each fold, in the order of the table."""
    folds = sorted({place.fold for place in placed.values()})
    return {fold: tuple(h for h, place in placed.items() if place.fold == fold) for fold in folds}


def _number_problems(placed: Mapping[str, Placed]) -> list[Problem]:
    folds = sorted({place.fold for place in placed.values()})
    if len(folds) < 2:
        what = f"folds {folds} are too few" if folds else "the table has no hospital"
        return [problem_of(CHECK, what, "distribute the hospitals among at least two folds", subject="fold")]
    if folds != list(range(len(folds))):
        what = f"folds are numbered {folds}, expected 0 to {len(folds) - 1}"
        return [problem_of(CHECK, what, "number the folds from 0 without a gap", subject="fold")]
    return []
