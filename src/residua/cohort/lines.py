"""A delimited text file as lines of cells, each with the line number that an editor shows."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from residua.cohort.problems import Problem

_DELIMITERS = ("\t", ",", ";")
_DELIMITED_REMEDY = "close or remove the quotation mark and separate cells by tab, comma or semicolon"


@dataclass(frozen=True)
class Line:
    """The cells of one record, stripped of blanks; ``n/a`` in any case reads ``n/a``. ``row`` counts from 1."""

    row: int
    cells: tuple[str, ...]


def read_lines(path: str) -> tuple[list[Line], list[Problem]]:
    """The records of a TSV or CSV file, the header first; records without any content are left out.

    The header decides the delimiter: tab, comma or semicolon. Never raises: what cannot be read is a problem.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Problem("the table is not UTF-8 text", "save it as TSV or CSV in UTF-8", file=path)]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [], [Problem(f"the table cannot be read ({reason})", "give the path of the cohort table", file=path)]
    lines, problems = _split(text, path)
    if not lines and not problems:
        problems.append(Problem("the table is empty", "give a header and one row per patient", file=path))
    return lines, problems


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
