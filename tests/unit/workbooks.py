"""Write small Excel and OpenDocument workbooks, part by part, so that a test can also write what no program should."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from residua.cohort.table.sheets import cell_name, range_of

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_DATE, _MOMENT, _FOUR_DIGITS = 1, 2, 3
_STYLES = (
    f'<styleSheet {_MAIN}><numFmts count="1"><numFmt numFmtId="164" formatCode="0000"/></numFmts>'
    '<fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs count="4"><xf numFmtId="0"/>'
    '<xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></styleSheet>'
)
_OF_ODS = (
    " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text", "style")
    )
    + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)
_KIND_OF_ODS = "application/vnd.oasis.opendocument.spreadsheet"

Sheets = Mapping[str, Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Formula:
    """A formula with the value that the program stored, if it stored any."""

    value: float | str | None


@dataclass(frozen=True)
class Error:
    """A cell that shows an error."""

    text: str


@dataclass(frozen=True)
class FourDigits:
    """A number that is shown with four digits."""

    value: int


def write_xlsx(
    path: Path,
    sheets: Sheets,
    hidden: Sequence[str] = (),
    merged: Mapping[str, Sequence[str]] | None = None,
    is_1904: bool = False,
    at: tuple[int, int] = (0, 0),
) -> Path:
    """Write a workbook; ``at`` is the place of the first cell of every sheet, ``merged`` ranges by sheet."""
    names = list(sheets)
    entries = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{i}" r:id="r{i}" state="{"hidden" if name in hidden else "visible"}"/>'
        for i, name in enumerate(names, start=1)
    )
    epoch = '<workbookPr date1904="1"/>' if is_1904 else ""
    links = "".join(
        f'<Relationship Id="r{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i, _ in enumerate(names, start=1)
    )
    links += f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    start = f'<Relationship Id="w" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("[Content_Types].xml", _content_types(len(names)))
        package.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}">{start}</Relationships>')
        body = f'<workbook {_MAIN} xmlns:r="{_OFFICE}">{epoch}<sheets>{entries}</sheets></workbook>'
        package.writestr("xl/workbook.xml", body)
        package.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{links}</Relationships>')
        package.writestr("xl/styles.xml", _STYLES)
        for i, name in enumerate(names, start=1):
            package.writestr(
                f"xl/worksheets/sheet{i}.xml", _sheet(sheets[name], (merged or {}).get(name, ()), is_1904, at)
            )
    return path


def _content_types(sheets: int) -> str:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {"xl/workbook.xml": "sheet.main", "xl/styles.xml": "styles"}
    parts |= {f"xl/worksheets/sheet{i}.xml": "worksheet" for i in range(1, sheets + 1)}
    listed = "".join(f'<Override PartName="/{part}" ContentType="{kind}.{what}+xml"/>' for part, what in parts.items())
    links = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{links}{listed}</Types>'


def _sheet(rows: Sequence[Sequence[Any]], merged: Sequence[str], is_1904: bool, at: tuple[int, int]) -> str:
    lines = []
    for number, cells in enumerate(rows, start=at[0]):
        written = "".join(_cell((number, at[1] + i), value, is_1904) for i, value in enumerate(cells))
        lines.append(f'<row r="{number + 1}">{written}</row>')
    ranges = "".join(f'<mergeCell ref="{area}"/>' for area in merged)
    areas = f'<mergeCells count="{len(merged)}">{ranges}</mergeCells>' if merged else ""
    return f"<worksheet {_MAIN}><sheetData>{''.join(lines)}</sheetData>{areas}</worksheet>"


def _cell(place: tuple[int, int], value: Any, is_1904: bool) -> str:
    name = f'r="{cell_name(place)}"'
    if value is None:
        return f"<c {name}/>"
    if isinstance(value, Error):
        return f'<c {name} t="e"><v>{value.text}</v></c>'
    if isinstance(value, Formula):
        stored = "<v></v>" if value.value is None else f"<v>{value.value}</v>"
        kind = ' t="str"' if isinstance(value.value, str) else ""
        return f"<c {name}{kind}><f>A1</f>{stored}</c>"
    if isinstance(value, FourDigits):
        return f'<c {name} s="{_FOUR_DIGITS}"><v>{value.value}</v></c>'
    if isinstance(value, bool):
        return f'<c {name} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c {name} s="{_MOMENT if isinstance(value, datetime) else _DATE}"><v>{_days(value, is_1904)}</v></c>'
    if isinstance(value, int | float):
        return f"<c {name}><v>{value!r}</v></c>"
    return f'<c {name} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def _days(value: date, is_1904: bool) -> float:
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return (moment - (datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30))).total_seconds() / 86400


def write_ods(path: Path, sheets: Sheets, hidden: Sequence[str] = (), rows_after: int = 0) -> Path:
    """Write a spreadsheet as LibreOffice does; ``rows_after`` empty rows follow the last one."""
    looks = "".join(
        f'<style:style style:name="{look}" style:family="table">'
        f'<style:table-properties table:display="{shown}"/></style:style>'
        for look, shown in (("shown", "true"), ("hidden", "false"))
    )
    empty = '<table:table-cell table:number-columns-repeated="16384"/>'
    after = (
        f'<table:table-row table:number-rows-repeated="{rows_after}">{empty}</table:table-row>' if rows_after else ""
    )
    tables = ""
    for name, rows in sheets.items():
        lines = "".join(
            f"<table:table-row>{''.join(_ods_cell(value) for value in cells)}</table:table-row>" for cells in rows
        )
        look = "hidden" if name in hidden else "shown"
        tables += f'<table:table table:name={quoteattr(name)} table:style-name="{look}">{lines}{after}</table:table>'
    content = (
        f"<office:document-content {_OF_ODS}><office:automatic-styles>{looks}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", _KIND_OF_ODS, zipfile.ZIP_STORED)
        package.writestr("META-INF/manifest.xml", "<manifest/>")
        package.writestr("content.xml", content)
    return path


@dataclass(frozen=True)
class Spanning:
    """A cell merged with those to its right."""

    value: str
    columns: int


def _ods_cell(value: Any) -> str:
    attributes, shown = _ods_value(value)
    text = f"<text:p>{escape(shown)}</text:p>" if shown else ""
    covered = "<table:covered-table-cell/>" * (value.columns - 1) if isinstance(value, Spanning) else ""
    return f"<table:table-cell{attributes}>{text}</table:table-cell>{covered}"


def _ods_value(value: Any) -> tuple[str, str]:
    if value is None:
        return "", ""
    if isinstance(value, Error):
        return ' table:formula="of:=A1" office:value-type="string" calcext:value-type="error"', value.text
    if isinstance(value, Formula):
        inner, shown = _ods_value(value.value)
        return f' table:formula="of:=A1"{inner}', shown
    if isinstance(value, Spanning):
        return f' table:number-columns-spanned="{value.columns}" office:value-type="string"', value.value
    if isinstance(value, bool):
        return f' office:value-type="boolean" office:boolean-value="{str(value).lower()}"', str(value).upper()
    if isinstance(value, date):
        return f' office:value-type="date" office:date-value="{value.isoformat()}"', "a date"
    if isinstance(value, int | float):
        return f' office:value-type="float" office:value="{value!r}"', f"{value:g}"
    return ' office:value-type="string"', value


_ERROR_CODES = {"#N/A": 0x2A, "#REF!": 0x17}


def write_xls(
    path: Path,
    sheets: Sheets,
    hidden: Sequence[str] = (),
    merged: Mapping[str, Sequence[str]] | None = None,
    is_1904: bool = False,
    at: tuple[int, int] = (0, 0),
) -> Path:
    """Write an old workbook; the arguments are those of ``write_xlsx``. Formulas are not written."""
    import xlwt

    book = xlwt.Workbook()
    book.dates_1904 = is_1904
    for name, rows in sheets.items():
        sheet = book.add_sheet(name, cell_overwrite_ok=True)
        sheet.visibility = int(name in hidden)
        for number, cells in enumerate(rows, start=at[0]):
            for column, value in enumerate(cells, start=at[1]):
                _write_cell(sheet, number, column, value)
        for area in (merged or {}).get(name, ()):
            (top, left), (bottom, right) = range_of(area)
            sheet.merge(top, bottom, left, right)
    book.save(str(path))
    return path


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    import xlwt

    if isinstance(value, Error):
        sheet.row(row).set_cell_error(column, _ERROR_CODES[value.text])
    elif isinstance(value, FourDigits):
        sheet.write(row, column, value.value, xlwt.easyxf(num_format_str="0000"))
    elif isinstance(value, date):
        shown = "yyyy-mm-dd hh:mm:ss" if isinstance(value, datetime) else "yyyy-mm-dd"
        sheet.write(row, column, value, xlwt.easyxf(num_format_str=shown))
    elif value is not None:
        sheet.write(row, column, value)
