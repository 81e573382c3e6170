"""The table of the fold of each hospital, or of each person: one row per unit, columns of its name and its fold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from residua.cohort.split.drawing import Place
from residua.cohort.table.lines import Line, column_problems, read_lines, width_problems
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import write_text
from residua.settings.base import IDENTIFIER


class UnitPlace(NamedTuple):
    """The place of a unit, and its line in the table."""

    fold: Place
    row: int


@dataclass(frozen=True)
class UnitTable:
    """What the rows are of, the check that reports problems, what is said of a repeat, and the word for held out."""

    unit: str
    check: str
    repeated: str
    held_out: str | None = None

    @property
    def columns(self) -> tuple[str, str]:
        """Return the columns."""
        return (self.unit, "fold")

    def read(self, path: str) -> tuple[dict[str, UnitPlace], list[Problem]]:
        """Return the place of each unit in the order of the table, and all problems of the table. Never raises."""
        lines, problems = read_lines(path, self.unit)
        placed: dict[str, UnitPlace] = {}
        if lines:
            header, *rows = lines
            problems += column_problems(header, self.columns, self.columns)
            if set(self.columns) <= set(header.cells):
                for line in rows:
                    problems += self._add(placed, line, header)
        return placed, [replace(problem, file=path, check=self.check) for problem in problems]

    def write(self, path: str, places: Iterable[tuple[str, Place]]) -> None:
        """Write the table that ``read`` reads."""
        rows = [f"{name}\t{self.held_out if place is None else place}" for name, place in places]
        write_text(path, "\n".join(["\t".join(self.columns), *rows]) + "\n")

    def _add(self, placed: dict[str, UnitPlace], line: Line, header: Line) -> list[Problem]:
        cells = dict(zip(header.cells, line.cells, strict=False))
        name, fold = cells.get(self.unit, ""), cells.get("fold", "")
        problems = width_problems(line, len(header.cells))

        def add(column: str, what: str, remedy: str) -> None:
            problems.append(problem_of(self.check, what, remedy, subject=column, row=line.row))

        if not re.fullmatch(IDENTIFIER, name):
            add(self.unit, f"{name!r} is not an identifier", "use letters A-Z, a-z and digits only")
        if fold != self.held_out and not re.fullmatch("[0-9]+", fold):
            further = f", or {self.held_out}" if self.held_out else ""
            add("fold", f"{fold!r} is not a fold", f"give a number from 0 on{further}")
        if name in placed:
            what = self.repeated.format(name=name, row=placed[name].row)
            add(self.unit, what, f"give every {self.unit} one row")
        if not problems:
            placed[name] = UnitPlace(None if fold == self.held_out else int(fold), line.row)
        return problems
