"""A table as lines of cells, each with the line number that an editor shows: delimited text, a workbook, or Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from residua.cohort.table.decoding import decoded
from residua.cohort.table.location import MARK, file_and_sheet
from residua.cohort.table.parquet import MAGIC, parquet_cells
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_DELIMITED_REMEDY = "close or remove the quotation mark and separate cells by tab, comma or semicolon"
WORKBOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0")
"""How workbooks begin: a zip file (.xlsx, .ods), or a compound file (.xls, and any workbook with a password)."""
MISSING = ("", "n/a")
"""Texts of a cell without a value."""
_OF_A_NAME = re.compile(r"[\w \"'.()/+-]")
"""Characters of column names; any other character in a header is a delimiter."""
_SAID_BEFORE = re.compile(r"sep=([^\w\"\r\n])(\r\n|\r|\n)")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ALSO_CALLED = {
    **dict.fromkeys(("id", "subject", "participant"), "patient"),
    **dict.fromkeys(("site", "centre", "center", "institution"), "hospital"),
    "gender": "sex",
    "vendor": "manufacturer",
    "reader": "rater",
}
"""Common names of columns and the ones used here."""


@dataclass(frozen=True)
class Line:
    """The cells of one record, stripped of blanks; ``n/a`` in any case reads ``n/a``. ``row`` counts from 1."""

    row: int
    cells: tuple[str, ...]


def read_lines(path: str, row_of: str = "patient") -> tuple[list[Line], list[Problem]]:
    """Read the records of a TSV, CSV, Excel, OpenDocument or Parquet file, the header first; blank ones are skipped.

    Text is UTF-8, or UTF-16 with its byte order mark. The character between the names in the header is the delimiter,
    unless Excel's ``sep=;`` stands before it. Other files are recognised by their content; rows are numbered as a sheet
    shows them, those of Parquet as in text. ``path`` may name a sheet of a workbook (``location``).
    ``row_of`` names what a row describes. Never raises: what cannot be read is a problem.
    """
    file, sheet = file_and_sheet(path)
    try:
        raw = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [], [
            problem_of("table-unreadable", f"the table cannot be read ({reason})", "correct the path", file=path)
        ]
    lines, problems = _read(raw, file, sheet)
    if not lines and not problems:
        what, remedy = "the table is empty", f"give a header and one row per {row_of}"
        problems.append(problem_of("table-empty", what, remedy, file=path))
    return lines, problems


def column_problems(header: Line, needed: Iterable[str], known: Iterable[str]) -> list[Problem]:
    """Return the problems of a header: missing ``needed`` columns; unnamed, repeated and unknown ones."""
    names = tuple(dict.fromkeys(known))
    problems: list[Problem] = []

    def add(check: str, what: str, remedy: str, column: str | None = None) -> None:
        problems.append(problem_of(check, what, remedy, subject=column, row=header.row))

    for column in dict.fromkeys(needed):
        if column not in header.cells:
            add("column-missing", "the column is missing", "add it to the table", column)
    for index, column in enumerate(header.cells):
        if not column:
            add("column-unnamed", f"column number {index + 1} has no name", "name or delete it")
        elif column in header.cells[:index]:
            add("column-repeated", "the column is twice in the header", "delete one", column)
        elif column not in names:
            add("column-unknown", "unknown column", _did_you_mean(column, names, header.cells), column)
    return problems


def width_problems(line: Line, columns: int) -> list[Problem]:
    """Return a problem when a record has more or fewer cells than the header has columns."""
    if len(line.cells) == columns:
        return []
    what = f"{len(line.cells)} cells under {columns} columns"
    return [problem_of("row-width", what, "give every row one cell per column", row=line.row)]


def _did_you_mean(column: str, known: tuple[str, ...], there: Collection[str]) -> str:
    called = {word: name for word, name in _ALSO_CALLED.items() if name in known and name not in there}
    plain = re.sub(r"[\W_]+", "_", column.casefold()).strip("_")
    close = get_close_matches(plain, (*known, *called), n=1)
    if not close:
        return f"rename or delete it; known are {', '.join(known)}"
    return f"did you mean {called.get(close[0], close[0])}?"


def _read(raw: bytes, file: str, sheet: str | None) -> tuple[list[Line], list[Problem]]:
    if raw.startswith(WORKBOOKS):
        # Only here: a table of text needs nothing of it.
        from residua.cohort.table.workbook import workbook_rows

        rows, problems = workbook_rows(raw, file, sheet)
        return _lines(rows), problems
    if sheet is not None:
        what = f"{MARK}{sheet} names a sheet, and the table is no workbook"
        return [], [problem_of("workbook-unreadable", what, "leave it out", file=file)]
    return _parquet(raw, file) if raw.startswith(MAGIC) else _text(raw, file)


def _lines(rows: Iterable[tuple[int, Iterable[str]]]) -> list[Line]:
    lines = (Line(number, tuple(_cell(cell) for cell in cells)) for number, cells in rows)
    return [line for line in lines if any(line.cells)]


def _text(raw: bytes, path: str) -> tuple[list[Line], list[Problem]]:
    text, problems = decoded(raw, path)
    if problems:
        return [], problems
    start, delimiter = records_of(text)
    return _split(text[start:], delimiter, path, before=1 if start else 0)


def records_of(text: str) -> tuple[int, str]:
    """Return where the records of a delimited text begin, and its delimiter."""
    said = _SAID_BEFORE.match(text)
    return (said.end(), said[1]) if said else (0, _delimiter(text))


def _split(text: str, delimiter: str, path: str, before: int) -> tuple[list[Line], list[Problem]]:
    """Split ``text`` into records; ``before`` is the number of lines of the file before it."""
    stream = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines: list[Line] = []
    end = before
    try:
        for record in stream:
            # A quoted cell may span lines: the record begins on the line after the end of the one before it.
            line = Line(end + 1, tuple(_cell(cell) for cell in record))
            end = before + stream.line_num
            if any(line.cells):
                lines.append(line)
    except csv.Error as error:
        what = f"cannot be split into cells ({error})"
        return lines, [problem_of("table-not-delimited", what, _DELIMITED_REMEDY, row=end + 1, file=path)]
    return lines, []


def _delimiter(text: str) -> str:
    header = next((line for line in _LINE_END.split(text) if line.strip()), "")
    header = re.sub('"[^"]*"', "", header)
    if "\t" in header:
        return "\t"
    # No unprintable character is a delimiter; csv allows neither line ends nor quotation marks.
    found = Counter(c for c in header if not _OF_A_NAME.match(c) and c.isprintable())
    return max(found, key=lambda c: (found[c], -header.index(c))) if found else ","


def _cell(cell: str) -> str:
    stripped = cell.strip()
    return "n/a" if stripped.casefold() == "n/a" else stripped


def _parquet(raw: bytes, path: str) -> tuple[list[Line], list[Problem]]:
    try:
        records = parquet_cells(raw)
    except Exception as error:  # pyarrow has many for a damaged file.
        reason = str(error).partition("\n")[0]
        what, remedy = f"cannot be read as Parquet ({reason})", "write it again"
        return [], [problem_of("table-unreadable", what, remedy, file=path)]
    return _lines(enumerate(records, start=1)), []
