"""Read the clinical tables of public sets: text or sheets of workbooks, identified by their columns, not by names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from residua.cohort.table.lines import read_lines
from residua.cohort.table.location import MARK
from residua.cohort.table.sheets import UnreadableWorkbookError
from residua.cohort.table.workbook import sheet_headers
from residua.errors import ResiduaError
from residua.importers.cells import is_known, number_of, rows_under
from residua.importers.public.tree import Tree
from residua.importers.tree import why_unread

_TEXT = (".csv", ".tsv", ".txt")
_WORKBOOK = (".xlsx", ".ods", ".xls")
_HEADER_BYTES = 1 << 16


@dataclass(frozen=True)
class Records:
    """Rows of a table, empty if not found. Columns are identified by their first words, in lower case."""

    rows: tuple[Mapping[str, str], ...] = ()
    file: Path | None = None

    def of(self, patient: str, column: str) -> list[Mapping[str, str]]:
        """Return the rows of a patient, whose identifier stands in ``column`` (``100001.0`` reads ``100001``)."""
        return [row for row in self.rows if _name(row, column) == patient.casefold()]


@dataclass
class Tables:
    """The text tables of a set; ``left`` gives the reason for every unused file outside the patient folders."""

    tree: Tree
    used: set[Path] = field(default_factory=set)

    def find(self, *columns: str, one_row_each: str = "") -> Records:
        """Read the one table that has a column beginning with each of ``columns``; no rows if there is none.

        Raises ``ResiduaError`` if two tables have them, if the table cannot be split into cells, or if rows that
        differ have the same patient in the column ``one_row_each``.
        """
        # A sheet that somebody saved as text counts before the workbook that it is from.
        fitting = [(file, "") for file in self._of(_TEXT) if _has(file, columns)]
        fitting = fitting or [(f, sheet) for f in self._of(_WORKBOOK) for sheet in _sheets_with(f, columns)]
        if not fitting:
            return Records()
        if len(fitting) > 1:
            both = " and ".join(self.tree.name_of(file) + sheet for file, sheet in fitting[:2])
            raise ResiduaError(f"{both} both have the columns {', '.join(columns)}: move one out of {self.tree.root}")
        file, sheet = fitting[0]
        self.used.add(file)
        records = _read(file, sheet)
        if one_row_each:
            _require_one_row_each(records, one_row_each)
        return records

    def _of(self, suffixes: tuple[str, ...]) -> list[Path]:
        return [file for file in self.tree.files if file.suffix.lower() in suffixes]

    def left(self) -> dict[str, str]:
        """Return the reason for each unused file outside the patient folders."""
        unused = [file for file in self.tree.files if file not in self.used]
        return {self.tree.name_of(file): _why_unused(file) for file in unused}


def _why_unused(file: Path) -> str:
    if file.suffix.lower() in _WORKBOOK:
        return _why_unreadable(file) or "no sheet with the columns that are needed"
    return why_unread(file) or "not needed"


def _has(file: Path, columns: Iterable[str]) -> bool:
    try:
        with open(file, "rb") as stream:
            head = stream.read(_HEADER_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return False
    # A quick test, so that feature tables of many MB are not parsed; the cells of the header decide.
    if not all(_plain(column) in _plain(head) for column in columns):
        return False
    lines, _ = read_lines(str(file))
    return _fits(lines[0].cells if lines else head.split(","), columns)


def _sheets_with(file: Path, columns: Iterable[str]) -> list[str]:
    """Return the sheets of a workbook that have the columns, each as it is named behind the file; none if damaged."""
    try:
        headers = sheet_headers(file.read_bytes())
    except (OSError, UnreadableWorkbookError):
        return []
    return [MARK + sheet for sheet, header in headers.items() if _fits(header, columns)]


def _why_unreadable(file: Path) -> str | None:
    try:
        sheet_headers(file.read_bytes())
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    except UnreadableWorkbookError as error:
        return f"{error.what}: {error.remedy}"
    return None


def _fits(header: Iterable[str], columns: Iterable[str]) -> bool:
    names = [_plain(name) for name in header]
    return all(any(name.startswith(_plain(column)) for name in names) for column in columns)


def _read(file: Path, sheet: str) -> Records:
    lines, problems = read_lines(f"{file}{sheet}")
    if problems:
        raise ResiduaError(str(problems[0]))
    header = [_plain(name) for name in lines[0].cells]
    return Records(tuple(rows_under(header, lines[1:], file)), file)


def _require_one_row_each(records: Records, column: str) -> None:
    rows: dict[str, list[Mapping[str, str]]] = {}
    for row in records.rows:
        of_one = rows.setdefault(_name(row, column), [])
        if row not in of_one:
            of_one.append(row)
    if several := [name for name, of_one in rows.items() if name and len(of_one) > 1]:
        raise ResiduaError(f"{records.file}: several rows that differ for {', '.join(several)}; keep one row for each")


def _name(row: Mapping[str, str], column: str) -> str:
    return cell(row, column).removesuffix(".0").casefold()


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


def cell(row: Mapping[str, str], column: str) -> str:
    """Return the first cell whose column begins with ``column``; empty if missing or unknown."""
    text = next((row[name] for name in row if name.startswith(_plain(column))), "").strip()
    return text if is_known(text) else ""


def number(row: Mapping[str, str], column: str) -> float | None:
    """Return a cell as a number; None if it is not known. Raises ``UnreadableCellError`` if it has another value."""
    return number_of(column, cell(row, column))
