"""A table as lines of cells, each with the line number that an editor shows: delimited text of any kind, or Parquet."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from residua.cohort.problems import Problem

_DELIMITED_REMEDY = "close or remove the quotation mark and separate cells by tab, comma or semicolon"
_PARQUET = b"PAR1"
_OF_A_NAME = re.compile(r"[\w \"'.()/+-]")
"""What stands in names of columns; anything else in a header separates them."""


@dataclass(frozen=True)
class Line:
    """The cells of one record, stripped of blanks; ``n/a`` in any case reads ``n/a``. ``row`` counts from 1."""

    row: int
    cells: tuple[str, ...]


def read_lines(path: str, row_of: str = "patient") -> tuple[list[Line], list[Problem]]:
    """The records of a TSV, CSV or Parquet file, the header first; records without any content are left out.

    Text is UTF-8, or UTF-16 with its mark; what separates the names in the header is the delimiter. A row of Parquet
    has the number that it would have as text. ``row_of`` says what the table has one row of.
    Never raises: what cannot be read is a problem.
    """
    try:
        raw = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [], [_problem(f"the table cannot be read ({reason})", "correct the path", path, "table-unreadable")]
    if raw.startswith(_PARQUET):
        lines, problems = _parquet(path)
    else:
        text = _text(raw)
        if text is None:
            what, remedy = "the table is not UTF-8 text", "save it as TSV or CSV in UTF-8"
            return [], [_problem(what, remedy, path, "table-encoding")]
        lines, problems = _split(text, path)
    if not lines and not problems:
        what, remedy = "the table is empty", f"give a header and one row per {row_of}"
        problems.append(_problem(what, remedy, path, "table-empty"))
    return lines, problems


def column_problems(header: Line, needed: Iterable[str], known: Iterable[str]) -> list[Problem]:
    """What is wrong with a header: ``needed`` columns that are missing, unnamed ones, repeated and unknown ones."""
    names = tuple(dict.fromkeys(known))
    problems: list[Problem] = []

    def add(check: str, what: str, remedy: str, column: str | None = None) -> None:
        problems.append(Problem(what, remedy, row=header.row, column=column, check=check))

    for column in dict.fromkeys(needed):
        if column not in header.cells:
            add("column-missing", "the column is missing", "add it to the table", column)
    for index, column in enumerate(header.cells):
        if not column:
            add("column-unnamed", f"column number {index + 1} has no name", "name or delete it")
        elif column in header.cells[:index]:
            add("column-repeated", "the column is there twice", "delete one", column)
        elif column not in names:
            add("column-unknown", "unknown column", _did_you_mean(column, names), column)
    return problems


def _problem(what: str, remedy: str, path: str, check: str, row: int | None = None) -> Problem:
    return Problem(what, remedy, row=row, file=path, check=check)


def _did_you_mean(column: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(re.sub(r"[\W_]+", "_", column.casefold()).strip("_"), known, n=1)
    return f"did you mean {close[0]}?" if close else f"rename or delete it; known are {', '.join(known)}"


def _text(raw: bytes) -> str | None:
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        return None


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
        what = f"cannot be split into cells ({error})"
        return lines, [_problem(what, _DELIMITED_REMEDY, path, "table-not-delimited", end + 1)]
    return lines, []


def _delimiter(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    if "\t" in header:
        return "\t"
    # An unprintable character separates nothing; csv knows neither line ends nor quotation marks as delimiters.
    found = Counter(c for c in header if not _OF_A_NAME.match(c) and c.isprintable())
    return max(found, key=lambda c: (found[c], -header.index(c))) if found else ","


def _cell(cell: str) -> str:
    stripped = cell.strip()
    return "n/a" if stripped.casefold() == "n/a" else stripped


def _parquet(path: str) -> tuple[list[Line], list[Problem]]:
    # Only here: pyarrow takes longer to load than a table of text to read.
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        columns = [[_printed(value) for value in column.to_pylist()] for column in table.columns]
    except Exception as error:
        reason = str(error).partition("\n")[0]
        what, remedy = f"cannot be read as Parquet ({reason})", "write it again"
        return [], [_problem(what, remedy, path, "table-unreadable")]
    records = [tuple(_cell(name) for name in table.column_names), *zip(*columns, strict=True)]
    lines = [Line(number + 1, cells) for number, cells in enumerate(records)]
    return [line for line in lines if any(line.cells)], []


def _printed(value: Any) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    if isinstance(value, bytes):
        return _cell(value.decode("utf-8", "replace"))
    return _cell(str(value))
