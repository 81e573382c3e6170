"""What the sheets of an Excel workbook (.xlsx) hold besides values, which its reader does not tell."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as Xml

from residua.cohort.table.packages import elements, opened, reading
from residua.cohort.table.sheets import Place, Sheet, place_of, range_of

WORKBOOK = "xl/workbook.xml"
_LINKS = "xl/_rels/workbook.xml.rels"
_STYLES = "xl/styles.xml"
_HEADER_BYTES = 1 << 12
_COUNT = re.compile(rb"""uniqueCount\s*=\s*["'](\d+)""")
_ZEROS = re.compile("0{2,}")
"""A format that shows a number with leading zeros, and nothing else."""


def scan_xlsx(content: bytes, wanted: str | None) -> list[Sheet]:
    """Return the sheets of a workbook; where one is ``wanted``, of the others only names and whether they are hidden.

    Raises ``UnreadableWorkbookError``.
    """
    with opened(content) as package, reading(WORKBOOK):
        _require_true_count(package)
        links = {link.attrib["Id"]: link.attrib["Target"] for link in _all(package, _LINKS, "Relationship")}
        widths = _widths(package)
        sheets = []
        for entry in _all(package, WORKBOOK, "sheet"):
            sheet = Sheet(entry.attrib["name"], entry.attrib.get("state", "visible") != "visible")
            sheets.append(sheet)
            part = posixpath.normpath(posixpath.join("/xl", links[entry.attrib["id"]])).lstrip("/")
            is_sheet = "worksheet" in part.casefold() or not part.casefold().startswith("xl/chart")
            if is_sheet and (wanted is None or sheet.has_name(wanted)):
                _scan(package, part, sheet, widths)
    return sheets


def _require_true_count(package: zipfile.ZipFile) -> None:
    """Refuse a number of texts that the file cannot hold: the reader asks for memory by it, and ends the process."""
    for file in package.infolist():
        if file.filename.casefold().endswith("sharedstrings.xml"):
            with package.open(file) as stream:
                said = _COUNT.search(stream.read(_HEADER_BYTES))
            if said and int(said[1]) > file.file_size:
                raise ValueError(f"{file.filename} claims {int(said[1])} texts")


def _all(package: zipfile.ZipFile, part: str, tag: str) -> list[Xml.Element]:
    return [element for event, element in elements(package, part) if event == "end" and element.tag == tag]


def _widths(package: zipfile.ZipFile) -> Mapping[int, int]:
    """Return the digits that a style of cells asks for, by its number."""
    if _STYLES not in package.namelist():
        return {}
    formats = {
        entry.attrib["numFmtId"]: len(entry.attrib["formatCode"])
        for entry in _all(package, _STYLES, "numFmt")
        if _ZEROS.fullmatch(entry.attrib["formatCode"])
    }
    styles: Sequence[Xml.Element] = [
        style for group in _all(package, _STYLES, "cellXfs") for style in group if style.tag == "xf"
    ]
    used = ((number, style.attrib.get("numFmtId", "")) for number, style in enumerate(styles))
    return {number: formats[code] for number, code in used if code in formats}


def _scan(package: zipfile.ZipFile, part: str, sheet: Sheet, widths: Mapping[int, int]) -> None:
    row, column = -1, -1
    for event, element in elements(package, part):
        if event == "start":
            if element.tag == "row":
                # Numbers of rows and names of cells may be left out: each then follows the one before it.
                row, column = int(element.attrib.get("r", row + 2)) - 1, -1
        elif element.tag == "c":
            name = element.attrib.get("r")
            place = place_of(name) if name else (row, column + 1)
            column = place[1]
            _note(sheet, place, element, widths)
        elif element.tag == "row":
            element.clear()
        elif element.tag == "mergeCell":
            sheet.merged.append(range_of(element.attrib["ref"]))


def _note(sheet: Sheet, place: Place, cell: Xml.Element, widths: Mapping[int, int]) -> None:
    parts = {child.tag: child for child in cell}
    value = parts["v"].text if "v" in parts else None
    kind = cell.attrib.get("t", "n")
    if value or "is" in parts or "f" in parts:
        sheet.fill(place, place)
    if kind == "e":
        sheet.errors.append((place, value or "an error"))
    elif "f" in parts and not value and kind != "str":
        sheet.without_value.append(place)
    elif kind == "n" and int(cell.attrib.get("s", 0)) in widths:
        sheet.padded[place] = widths[int(cell.attrib.get("s", 0))]
