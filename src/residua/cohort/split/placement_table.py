"""The table of the fold of each hospital: columns ``hospital`` and ``fold``, one row per hospital."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from residua.cohort.table.lines import Line, column_problems, read_lines, width_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import write_text
from residua.settings.base import IDENTIFIER

COLUMNS = ("hospital", "fold")
CHECK = "folds-table"


class Placed(NamedTuple):
    """The fold of a hospital, and its line in the table."""

    fold: int
    row: int


def read_placement(path: str) -> tuple[dict[str, Placed], list[Problem]]:
    """Return the fold of each hospital in the order of the table, and all problems of the table. Never raises."""
    lines, problems = read_lines(path, "hospital")
    placed: dict[str, Placed] = {}
    if lines:
        header, *rows = lines
        problems += column_problems(header, COLUMNS, COLUMNS)
        if set(COLUMNS) <= set(header.cells):
            for line in rows:
                problems += _add(placed, line, header)
            problems += _number_problems(placed) if not problems else []
    return placed, [replace(problem, file=path, check=CHECK) for problem in problems]


def write_placement(path: str, placement: Mapping[int, Sequence[str]]) -> None:
    """Write the table that ``read_placement`` reads, fold by fold."""
    rows = [f"{hospital}\t{fold}" for fold in sorted(placement) for hospital in placement[fold]]
    write_text(path, "\n".join(["\t".join(COLUMNS), *rows]) + "\n")


def by_fold(placed: Mapping[str, Placed]) -> dict[int, tuple[str, ...]]:
    """Return the hospitals of each fold, in the order of the table."""
    folds = sorted({place.fold for place in placed.values()})
    return {fold: tuple(h for h, place in placed.items() if place.fold == fold) for fold in folds}


def _add(placed: dict[str, Placed], line: Line, header: Line) -> list[Problem]:
    cells = dict(zip(header.cells, line.cells, strict=False))
    hospital, fold = cells.get("hospital", ""), cells.get("fold", "")
    problems = width_problems(line, len(header.cells))

    def add(column: str, what: str, remedy: str) -> None:
        problems.append(problem_of(CHECK, what, remedy, subject=column, row=line.row))

    if not re.fullmatch(IDENTIFIER, hospital):
        add("hospital", f"{hospital!r} is not an identifier", "use letters A-Z, a-z and digits only")
    if not re.fullmatch("[0-9]+", fold):
        add("fold", f"{fold!r} is not a fold", "give a number from 0 on")
    if hospital in placed:
        add("hospital", f"hospital {hospital} is also in row {placed[hospital].row}", "give every hospital one row")
    if not problems:
        placed[hospital] = Placed(int(fold), line.row)
    return problems


def _number_problems(placed: Mapping[str, Placed]) -> list[Problem]:
    folds = sorted({place.fold for place in placed.values()})
    if len(folds) < 2:
        what = f"folds {folds} are too few" if folds else "the table has no hospital"
        return [problem_of(CHECK, what, "distribute the hospitals among at least two folds", subject="fold")]
    if folds != list(range(len(folds))):
        what = f"folds are numbered {folds}, expected 0 to {len(folds) - 1}"
        return [problem_of(CHECK, what, "number the folds from 0 without a gap", subject="fold")]
    return []
