"""The rater tables of merged cohorts as one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from residua.cohort.merge.names import Names
from residua.cohort.merge.tables import Source
from residua.cohort.table.lines import MISSING, column_problems, read_lines, width_problems
from residua.cohort.table.location import table_file
from residua.cohort.table.paths import plain_path
from residua.cohort.table.rater_table import COLUMNS
from residua.cohort.table.rows import path_problem
from residua.errors import ResiduaError
from residua.problems.lists import raise_problems

_OF_TABLE = re.compile(r"(\d+)=(.+)")
Rated = tuple[int, Mapping[str, str]]
"""The place of the cohort table in the command, and the cells of a rating of one of its patients."""


def merged_ratings(
    options: Iterable[str], sources: Sequence[Source], names: Names, cell_of: Callable[[str], str]
) -> list[Rated]:
    """Read ``--raters [N=]FILE``; without N the ratings are of the cohort table in the same folder.

    Raises ``ResiduaError`` if a table cannot be read or belongs to no cohort table, or one rater has two expertises.
    """
    ratings: list[Rated] = []
    for option in options:
        number, path = _place(option, sources)
        lines, problems = read_lines(path, "patient and rater")
        if lines:
            problems += column_problems(lines[0], COLUMNS, COLUMNS)
            problems += [problem for line in lines[1:] for problem in width_problems(line, len(lines[0].cells))]
        raise_problems(problems, f"{path}: the rater table cannot be used")
        for line in lines[1:]:
            cells = {c: cell for c, cell in zip(lines[0].cells, line.cells, strict=True) if cell not in MISSING}
            ratings.append((number, _renamed(cells, number, names, os.path.dirname(path), cell_of)))
    _require_one_expertise(ratings)
    return ratings


def _place(option: str, sources: Sequence[Source]) -> tuple[int, str]:
    match = _OF_TABLE.fullmatch(option)
    if match and not os.path.exists(option):
        if not 1 <= int(match[1]) <= len(sources):
            raise ResiduaError(f"--raters {option}: there is no table {match[1]}; the command names {len(sources)}")
        return int(match[1]), match[2]
    folder = os.path.realpath(os.path.dirname(table_file(option)) or ".")
    beside = [s.number for s in sources if os.path.realpath(os.path.dirname(table_file(s.path)) or ".") == folder]
    if len(beside) != 1:
        raise ResiduaError(f"--raters {option}: write N={option}, N being the place of its cohort table (1, 2, …)")
    return beside[0], option


def _renamed(
    cells: Mapping[str, str], number: int, names: Names, folder: str, cell_of: Callable[[str], str]
) -> dict[str, str]:
    changed = {column: names.person(number, cells[column]) for column in ("patient", "rater") if column in cells}
    mask = cells.get("mask", "")
    if mask and not os.path.isabs(mask) and not path_problem(mask):
        changed["mask"] = cell_of(plain_path(os.path.join(folder, mask)))
    return {**cells, **changed}


def _require_one_expertise(ratings: Iterable[Rated]) -> None:
    first: dict[str, Rated] = {}
    for number, cells in ratings:
        rater = cells.get("rater", "")
        other, earlier = first.setdefault(rater.casefold(), (number, cells))
        said, before = (f"{c.get('rater')} ({c.get('expertise')})" for c in (cells, earlier))
        if number != other and said != before:
            raise ResiduaError(
                f"rater {before} of table {other} and {said} of table {number} would be one; give the patients and "
                f"raters of a table a prefix, such as --prefix {number}=B"
            )


def shared_raters(ratings: Iterable[Rated]) -> list[str]:
    """Return a remark if raters are in several tables."""
    tables: dict[str, dict[int, None]] = {}
    for number, cells in ratings:
        tables.setdefault(cells.get("rater", ""), {})[number] = None
    both = [rater for rater, of in tables.items() if len(of) > 1]
    remedy = "give the raters of a table a prefix (--prefix) if they are others"
    return [f"a rater of several tables counts as one: {', '.join(both)}; {remedy}"] if both else []
