"""Read old Excel workbooks (.xls) with xlrd: calamine ends the whole process at some damaged ones."""

from __future__ import annotations

import io
import re
from typing import Any

from residua.cohort.table.packages import reading
from residua.cohort.table.sheets import Sheet, UnreadableWorkbookError

_ZEROS = re.compile("0{2,}")


def scan_xls(content: bytes, wanted: str | None) -> list[Sheet]:
    """Return the sheets of a workbook with their values; where one is ``wanted``, only that one's.

    Raises ``UnreadableWorkbookError``, also for one with a password. A formula without a stored value cannot be told
    from an empty text.
    """
    # Only here: a study whose table is text never pays for the import.
    import xlrd

    with reading("xls"):
        try:
            book = xlrd.open_workbook(
                file_contents=content, formatting_info=True, ragged_rows=True, logfile=io.StringIO()
            )
        except xlrd.XLRDError as error:
            if "encrypted" in str(error):
                raise UnreadableWorkbookError("the workbook has a password", "save it without a password") from None
            raise
        sheets = []
        for found in book.sheets():
            sheet = Sheet(found.name, found.visibility != 0)
            sheets.append(sheet)
            if wanted is None or sheet.has_name(wanted):
                sheet.merged += [((top, left), (end - 1, right - 1)) for top, end, left, right in found.merged_cells]
                sheet.values = [
                    [_value(book, found, sheet, row, column) for column in range(found.row_len(row))]
                    for row in range(found.nrows)
                ]
    return sheets


def _value(book: Any, found: Any, sheet: Sheet, row: int, column: int) -> Any:
    import xlrd

    cell = found.cell(row, column)
    if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
        return ""
    sheet.fill((row, column), (row, column))
    if cell.ctype == xlrd.XL_CELL_ERROR:
        sheet.errors.append(((row, column), xlrd.error_text_from_code.get(cell.value, "an error")))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        moment = xlrd.xldate_as_datetime(cell.value, book.datemode)
        shown = _format(book, cell).casefold()
        return moment if "h" in shown or cell.value % 1 else moment.date()
    if cell.ctype == xlrd.XL_CELL_NUMBER and _ZEROS.fullmatch(_format(book, cell)):
        sheet.padded[row, column] = len(_format(book, cell))
    return cell.value


def _format(book: Any, cell: Any) -> str:
    return str(book.format_map[book.xf_list[cell.xf_index].format_key].format_str)
