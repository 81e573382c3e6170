"""Change single cells of a cohort table: every other cell, and every other byte of a text, stays.

The table is written beside its place and renamed. A workbook is never changed.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from residua.cohort.table.decoding import decoded
from residua.cohort.table.lines import WORKBOOKS, Line, read_lines
from residua.cohort.table.location import table_file
from residua.cohort.table.parquet import MAGIC, with_parquet_cells
from residua.cohort.table.rewriting import with_cells
from residua.errors import ResiduaError
from residua.problems.lists import raise_problems
from residua.publishing.publish import writing

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class EditableTable:
    """The cells of a cohort table as texts, by patient."""

    path: str
    header: Line
    rows: Mapping[str, tuple[int, Line]]

    def cell(self, patient: str, column: str) -> str:
        """Return a cell as the table has it."""
        return self.rows[patient][1].cells[self.header.cells.index(column)]

    def require(self, patients: Iterable[str]) -> None:
        """Raise ``ResiduaError`` that names the ``patients`` whom the table lacks."""
        unknown = [patient for patient in patients if patient not in self.rows]
        if unknown:
            raise ResiduaError(
                f"{self.path}: no patient {', '.join(unknown)} in the table; write identifiers as its column patient "
                "has them"
            )

    def write(self, cells: Mapping[str, Mapping[str, str]]) -> None:
        """Write cells by patient and column into the file; a column that the table lacks is added at its end."""
        content = Path(self.path).read_bytes()
        changes = {self.rows[patient][0]: changed for patient, changed in cells.items()}
        # A table that is a link stays one: the file that it names is replaced.
        with writing(os.path.realpath(self.path), suffix=Path(self.path).suffix) as beside:
            is_parquet = content.startswith(MAGIC)
            text = with_parquet_cells if is_parquet else self._with_text_cells
            beside.write_bytes(text(content, changes))

    def _with_text_cells(self, content: bytes, changes: Mapping[int, Mapping[str, str]]) -> bytes:
        mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
        text, problems = decoded(content, self.path)
        raise_problems(problems, f"{self.path}: the cohort table cannot be used")
        return mark + with_cells(text, changes).encode(encoding)


def editable_table(table: str | os.PathLike[str], columns: Iterable[str], by_hand: str) -> EditableTable:
    """Read a table that has ``patient`` and ``columns``; ``by_hand`` says what to write into a workbook's row.

    Raises ``ResiduaError`` when it is a workbook, cannot be read, or lacks a column.
    """
    path = os.fspath(table)
    file = Path(table_file(path))
    if file.is_file() and file.read_bytes().startswith(WORKBOOKS):
        raise ResiduaError(
            f"{path}: a workbook is never changed by Residua; {by_hand}, or save the sheet as CSV (UTF-8)"
        )
    lines, problems = read_lines(path)
    raise_problems(problems, f"{path}: the cohort table cannot be used")
    header, *rows = lines
    for column in ("patient", *columns):
        if column not in header.cells:
            raise ResiduaError(f"{path}: the column {column} is missing; is this the cohort table?")
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise ResiduaError(
                f"{path}: row {row.row} has {len(row.cells)} cells under {len(header.cells)} columns; "
                "give every row one cell per column"
            )
    place = header.cells.index("patient")
    return EditableTable(path, header, {row.cells[place]: (number, row) for number, row in enumerate(rows)})
