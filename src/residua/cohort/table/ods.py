"""What the sheets of an OpenDocument spreadsheet (.ods) hold besides values, which its reader does not tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree as Xml

from residua.cohort.table.packages import elements, opened, reading
from residua.cohort.table.sheets import Place, Sheet, UnreadableWorkbookError

CONTENT = "content.xml"
MANIFEST = "META-INF/manifest.xml"
_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
_CELLS = ("table_cell", "covered_table_cell")
_ERROR = re.compile(r"#[^\s\d]\S*(\s[!?])?|Err:\d+")
"""What programs show for an error, in any language: #N/A, #DIV/0!, #WERT!, "#NOM ?", Err:502."""


@dataclass
class _Position:
    """Where the reading is: the row and the column of the next cell."""

    row: int = 0
    column: int = 0
    rows: int = 1


def scan_ods(content: bytes) -> list[Sheet]:
    """Return the sheets of a spreadsheet. Raises ``UnreadableWorkbookError``, also for one with a password."""
    sheets: list[Sheet] = []
    hidden: set[str] = set()
    style, at = "", _Position()
    with opened(content) as package, reading(CONTENT):
        if MANIFEST in package.namelist() and any(e.tag == "encryption_data" for _, e in elements(package, MANIFEST)):
            raise UnreadableWorkbookError("the workbook has a password", "save it without a password")
        for event, element in elements(package, CONTENT):
            if event == "start":
                if element.tag == "style":
                    style = element.attrib.get("name", "")
                elif element.tag == "table_properties" and element.attrib.get("display") == "false":
                    hidden.add(style)
                elif element.tag == "table":
                    name, look = element.attrib.get("name", ""), element.attrib.get("style_name")
                    sheets.append(Sheet(name, look in hidden))
                    at = _Position()
                elif element.tag == "table_row":
                    at.column, at.rows = 0, _times(element, "rows")
            elif sheets:
                _ended(sheets[-1], element, at)
    for sheet in sheets:
        # The reader of values unfolds all sheets at once.
        sheet.require_bounded()
    return sheets


def _ended(sheet: Sheet, element: Xml.Element, at: _Position) -> None:
    if element.tag in _CELLS:
        columns = _times(element, "columns")
        _note(sheet, element, (at.row, at.column), (at.row + at.rows - 1, at.column + columns - 1))
        at.column += columns
    elif element.tag == "table_row":
        at.row += at.rows
        element.clear()
    if at.row > _MOST_ROWS or at.column > _MOST_COLUMNS:
        raise ValueError("cells beyond the last row or column that a sheet can have")


def _times(element: Xml.Element, what: str) -> int:
    return int(element.attrib.get(f"number_{what}_repeated", 1))


def _note(sheet: Sheet, cell: Xml.Element, first: Place, last: Place) -> None:
    kind, formula = cell.attrib.get("value_type"), cell.attrib.get("formula")
    shown = "\n".join("".join(child.itertext()) for child in cell if child.tag == "p")
    if kind or formula or shown:
        sheet.fill(first, last)
    # The type that only LibreOffice writes has the place of the one that all write, if it comes last.
    if kind == "error" or (formula and _ERROR.fullmatch(shown)):
        sheet.errors.append((first, shown or "an error"))
    elif formula and not kind:
        sheet.without_value.append(first)
    down, across = (int(cell.attrib.get(f"number_{what}_spanned", 1)) for what in ("rows", "columns"))
    if (down, across) != (1, 1):
        sheet.merged.append((first, (first[0] + down - 1, first[1] + across - 1)))
