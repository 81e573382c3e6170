"""The table of the place of each person: columns ``person`` and ``fold``, one row per person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from residua.cohort.split.drawing import Place
from residua.cohort.table.lines import Line, column_problems, read_lines, width_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import write_text
from residua.settings.base import IDENTIFIER

HELD_OUT = "holdout"
_COLUMNS = ("person", "fold")
_CHECK = "persons-table"


def read_persons(path: str) -> tuple[dict[str, Place], list[Problem]]:
    """Return the place of each person in the order of the table, and all problems of the table. Never raises."""
    lines, problems = read_lines(path, "person")
    places: dict[str, Place] = {}
    if lines:
        header, *rows = lines
        problems += column_problems(header, _COLUMNS, _COLUMNS)
        if set(_COLUMNS) <= set(header.cells):
            for line in rows:
                problems += _add(places, line, header)
    return places, [replace(problem, file=path, check=_CHECK) for problem in problems]


def write_persons(path: str, places: Mapping[str, Place]) -> None:
    """Write the table that ``read_persons`` reads."""
    rows = [f"{person}\t{HELD_OUT if place is None else place}" for person, place in places.items()]
    write_text(path, "\n".join(["\t".join(_COLUMNS), *rows]) + "\n")


def _add(places: dict[str, Place], line: Line, header: Line) -> list[Problem]:
    cells = dict(zip(header.cells, line.cells, strict=False))
    person, fold = cells.get("person", ""), cells.get("fold", "")
    problems = width_problems(line, len(header.cells))

    def add(column: str, what: str, remedy: str) -> None:
        problems.append(problem_of(_CHECK, what, remedy, subject=column, row=line.row))

    if not re.fullmatch(IDENTIFIER, person):
        add("person", f"{person!r} is not an identifier", "use letters A-Z, a-z and digits only")
    if fold != HELD_OUT and not re.fullmatch("[0-9]+", fold):
        add("fold", f"{fold!r} is not a fold", f"give a number from 0 on, or {HELD_OUT}")
    if person in places:
        add("person", f"person {person} stands in the table twice", "give every person one row")
    if not problems:
        places[person] = None if fold == HELD_OUT else int(fold)
    return problems
