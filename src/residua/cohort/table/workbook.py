"""Read a sheet of an Excel or OpenDocument workbook as the cells that it would have as text."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from residua.cohort.table.location import MARK
from residua.cohort.table.ods import CONTENT, scan_ods
from residua.cohort.table.packages import opened
from residua.cohort.table.sheets import Place, Sheet, UnreadableWorkbookError, cell_name
from residua.cohort.table.xls import scan_xls
from residua.cohort.table.xlsx import WORKBOOK, scan_xlsx
from residua.problems.problem import Problem
from residua.problems.severity import problem_of

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_AS_TEXT = "save the sheet that holds the table as CSV (UTF-8)"
_AS_XLSX = "save it as .xlsx or .ods"
_MOST_DIGITS = 15
"""Excel and LibreOffice keep so many digits of a number."""
_MOST_NAMED = 5
_NEARLY_A_SECOND = timedelta(milliseconds=1)

Row = tuple[int, tuple[str, ...]]
"""The number of a row as the sheet shows it, and the texts of its cells."""


def workbook_rows(content: bytes, path: str, wanted: str | None) -> tuple[list[Row], list[Problem]]:
    """Return the rows of one sheet, from the first column that holds anything; no rows if there is a problem.

    ``wanted`` is the name of the sheet; None: the only sheet that is shown and not empty. Never raises.
    """
    try:
        sheets = _sheets(content, wanted)
        sheet = _chosen(sheets, wanted, path)
        sheet.require_bounded()
        problems = _faults(sheet, path)
        return ([], problems) if problems else _rows(content, sheet, path)
    except UnreadableWorkbookError as error:
        return [], [problem_of("workbook-unreadable", error.what, error.remedy, file=path)]


def sheet_headers(content: bytes) -> dict[str, tuple[str, ...]]:
    """Return the first row of every sheet that is shown and not empty, whatever is wrong with other cells.

    Raises ``UnreadableWorkbookError``.
    """
    headers = {}
    for sheet in _sheets(content, None):
        if sheet.extent is not None and not sheet.is_hidden:
            sheet.require_bounded()
            filled = (cells for _, cells in _texts(content, sheet)[0] if any(cells))
            headers[sheet.name] = next(filled, ())
    return headers


def _sheets(content: bytes, wanted: str | None) -> list[Sheet]:
    if not content.startswith(b"PK"):
        if _ENCRYPTED in content:
            raise UnreadableWorkbookError("the workbook has a password", "save it without a password")
        return scan_xls(content, wanted)
    with opened(content) as package:
        names = set(package.namelist())
        kind = package.read("mimetype") if "mimetype" in names else b""
    if WORKBOOK in names:
        return scan_xlsx(content, wanted)
    if CONTENT in names and b"spreadsheet" in kind:
        return scan_ods(content)
    if "xl/workbook.bin" in names:
        raise UnreadableWorkbookError("the table is a binary Excel workbook (.xlsb)", _AS_XLSX)
    raise UnreadableWorkbookError("the table is an archive and no workbook", "unpack it, and name the table in it")


def _chosen(sheets: Sequence[Sheet], wanted: str | None, path: str) -> Sheet:
    listed = ", ".join(sheet.name + (" (hidden)" if sheet.is_hidden else "") for sheet in sheets)
    filled = [sheet for sheet in sheets if sheet.extent is not None]
    if wanted is not None:
        found = [sheet for sheet in sheets if sheet.has_name(wanted)]
        if not found:
            raise UnreadableWorkbookError(f"the workbook has no sheet {wanted!r}", f"name one of {listed}")
        if found[0] not in filled:
            raise UnreadableWorkbookError(f"sheet {found[0].name} is empty", f"name another; there are {listed}")
        return found[0]
    shown = [sheet for sheet in filled if not sheet.is_hidden]
    if len(shown) == 1:
        return shown[0]
    if not filled:
        raise UnreadableWorkbookError("every sheet of the workbook is empty", "give a header and the rows below it")
    named = f"{path}{MARK}{(shown or filled)[0].name}"
    example = f"name the one to read behind the file, such as {repr(named) if ' ' in named else named}"
    if shown:
        several = ", ".join(sheet.name for sheet in shown)
        raise UnreadableWorkbookError(f"the workbook has {len(shown)} sheets ({several})", example)
    raise UnreadableWorkbookError(f"every sheet that is not empty is hidden ({listed})", example)


def _faults(sheet: Sheet, path: str) -> list[Problem]:
    """Return one problem for each kind of cell that has no value to read."""
    problems = []

    def add(check: str, cells: list[str], first: Place, what: str, remedy: str) -> None:
        problems.append(problem_of(check, f"{_where(sheet, cells)}: {what}", remedy, row=first[0] + 1, file=path))

    if sheet.errors:
        cells = [f"{cell_name(place)} ({error})" for place, error in sheet.errors]
        add("cell-error", cells, sheet.errors[0][0], "an error instead of a value", "correct it, or empty the cell")
    if sheet.without_value:
        cells = [cell_name(place) for place in sheet.without_value]
        what, remedy = "a formula without its value", "open the workbook in Excel or LibreOffice and save it"
        add("cell-without-value", cells, sheet.without_value[0], what, remedy)
    if merged := [area for area in sheet.merged if area[0] != area[1] and _meets(area[0], area[1], sheet)]:
        cells = [f"{cell_name(first)}:{cell_name(last)}" for first, last in merged]
        what, remedy = "merged cells, of which only the first has a value", "unmerge them and fill every cell"
        add("cells-merged", cells, merged[0][0], what, remedy)
    return problems


def _meets(first: Place, last: Place, sheet: Sheet) -> bool:
    if sheet.extent is None:
        return False
    top_left, bottom_right = sheet.extent
    return all(first[i] <= bottom_right[i] and last[i] >= top_left[i] for i in (0, 1))


def _rows(content: bytes, sheet: Sheet, path: str) -> tuple[list[Row], list[Problem]]:
    rows, long = _texts(content, sheet)
    if not long:
        return _without_margins(rows), []
    what = (
        f"{_where(sheet, long)}: a number of more than {_MOST_DIGITS} digits, of which a workbook loses the last ones"
    )
    remedy = "format the cells as text and write the numbers again"
    return [], [problem_of("cell-digits-lost", what, remedy, file=path)]


def _texts(content: bytes, sheet: Sheet) -> tuple[list[Row], list[str]]:
    """Return the rows of a sheet, and the names of the cells whose number has more digits than were kept."""
    (top, left), values = _values(content, sheet)
    rows: list[Row] = []
    long = []
    for row, cells in enumerate(values, start=top):
        long += [cell_name((row, left + i)) for i, value in enumerate(cells) if _has_lost_digits(value)]
        texts = (text_of(value, sheet.padded.get((row, left + i), 0)) for i, value in enumerate(cells))
        rows.append((row + 1, tuple(texts)))
    return rows, long


def _values(content: bytes, sheet: Sheet) -> tuple[Place, Sequence[Sequence[Any]]]:
    """Return the place of the first cell, and the values of all rows from there."""
    if sheet.values is not None:
        return (0, 0), sheet.values
    # Only here: a study whose table is text never pays for the import.
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        found = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(sheet.name)
        return found.start or (0, 0), found.to_python()
    except CalamineError as error:
        raise UnreadableWorkbookError(f"the workbook cannot be read ({error})", _AS_TEXT) from None


def _where(sheet: Sheet, cells: Sequence[str]) -> str:
    more = f" and {len(cells) - _MOST_NAMED} more" if len(cells) > _MOST_NAMED else ""
    return f"sheet {sheet.name}, {', '.join(cells[:_MOST_NAMED])}{more}"


def _has_lost_digits(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and abs(value) >= 10**_MOST_DIGITS


def text_of(value: Any, digits: int = 0) -> str:
    """Return a cell as text: a whole number without a point, a date as ``2020-01-31``, a moment with its time.

    ``digits`` is the number of digits that a whole number is shown with, leading zeros included.

    >>> text_of(1.0), text_of(0.1 + 0.2), text_of(12.0, 4), text_of(datetime(2020, 1, 31, 14, 30))
    ('1', '0.3', '0012', '2020-01-31 14:30:00')
    """
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return f"{int(value):0{digits}d}" if float(value).is_integer() else f"{value:.{_MOST_DIGITS}g}"
    if isinstance(value, datetime):
        return _to_the_second(value).isoformat(sep=" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _to_the_second(moment: datetime) -> datetime:
    """Return a moment without what the days of a sheet, which are fractions, add to or take from its seconds."""
    whole = (moment + _NEARLY_A_SECOND).replace(microsecond=0)
    return whole if abs(whole - moment) <= _NEARLY_A_SECOND else moment


def _without_margins(rows: Sequence[Row]) -> list[Row]:
    """Leave out the columns before the first and after the last that hold anything."""
    filled = [index for _, cells in rows for index, cell in enumerate(cells) if cell.strip()]
    if not filled:
        return []
    first, end = min(filled), max(filled) + 1
    return [(number, (*cells, *[""] * (end - len(cells)))[first:end]) for number, cells in rows]
