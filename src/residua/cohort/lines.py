"""A delimited text file as lines of cells, each with the line number that an editor shows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from residua.cohort.problems import Problem

_DELIMITERS = ("\t", ",", ";")
_DELIMITED_REMEDY = "close or remove the quotation mark and separate cells by tab, comma or semicolon"


@dataclass(frozen=True)
class Line:
    """The cells of one record, stripped of blanks; ``n/a`` in any case reads ``n/a``. ``row`` counts from 1."""

    row: int
    cells: tuple[str, ...]


def read_lines(path: str, row_of: str = "patient") -> tuple[list[Line], list[Problem]]:
    """The records of a TSV or CSV file, the header first; records without any content are left out.

    The header decides the delimiter: tab, comma or semicolon; ``row_of`` says what the table has one row of.
    Never raises: what cannot be read is a problem.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Problem("the table is not UTF-8 text", "save it as TSV or CSV in UTF-8", file=path)]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [], [Problem(f"the table cannot be read ({reason})", "correct the path", file=path)]
    lines, problems = _split(text, path)
    if not lines and not problems:
        problems.append(Problem("the table is empty", f"give a header and one row per {row_of}", file=path))
    return lines, problems


def column_problems(header: Line, needed: Iterable[str], known: Iterable[str]) -> list[Problem]:
    """What is wrong with a header: ``needed`` columns that are missing, unnamed ones, repeated and unknown ones."""
    names = tuple(dict.fromkeys(known))
    problems = []
    for column in dict.fromkeys(needed):
        if column not in header.cells:
            problems.append(Problem("the column is missing", "add it to the table", row=header.row, column=column))
    for index, column in enumerate(header.cells):
        if not column:
            problems.append(Problem(f"column number {index + 1} has no name", "name or delete it", row=header.row))
        elif column in header.cells[:index]:
            problems.append(Problem("the column is there twice", "delete one", row=header.row, column=column))
        elif column not in names:
            problems.append(Problem("unknown column", _did_you_mean(column, names), row=header.row, column=column))
    return problems


def _did_you_mean(column: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(column.lower(), known, n=1)
    return f"did you mean {close[0]}?" if close else f"rename or delete it; known are {', '.join(known)}"


def _split(text: str, path: str) -> tuple[list[Line], list[Problem]]:
    stream = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    lines: list[Line] = []
    end = 0
    try:
        for record in stream:
            # A quoted cell may span lines: the record begins on the line after the end of the one before it.
            line = Line(end + 1, tuple(_cell(cell) for cell in record))
            end = stream.line_num
            if any(line.cells):
                lines.append(line)
    except csv.Error as error:
        return lines, [Problem(f"cannot be split into cells ({error})", _DELIMITED_REMEDY, row=end + 1, file=path)]
    return lines, []


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=header.count)


def _cell(cell: str) -> str:
    stripped = cell.strip()
    return "n/a" if stripped.casefold() == "n/a" else stripped
