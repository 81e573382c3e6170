"""Exclude patients in a cohort table, or include them again: only role and reason of their rows change.

The table is written beside its place and renamed.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from residua.cohort.table.decoding import decoded
from residua.cohort.table.lines import WORKBOOKS, Line, read_lines
from residua.cohort.table.location import table_file
from residua.cohort.table.parquet import MAGIC, with_parquet_cells
from residua.cohort.table.rewriting import with_cells
from residua.errors import ResiduaError
from residua.problems.lists import raise_problems
from residua.problems.problem import printable
from residua.publishing.publish import writing

ROLE, REASON = "role", "exclusion_reason"
_ROLES_BACK = ("auto", "holdout")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Change:
    """The change of one patient's row, or that none is needed."""

    patient: str
    role: str
    reason: str
    before: str
    needed: bool

    def __str__(self) -> str:
        """Return one line for a terminal."""
        if not self.needed:
            return f"{self.patient}: nothing to change, its role is {self.before}"
        why = f": {self.reason}" if self.reason else ""
        return printable(f"{self.patient}: {self.before} -> {self.role}{why}")


def exclude(table: str | os.PathLike[str], reasons: Mapping[str, str], dry_run: bool = False) -> list[Change]:
    """Set the role of patients to exclude, each with a reason; patients excluded earlier keep their reason.

    Raises ``ResiduaError`` when the table cannot be read, a patient is not in it, or a reason is empty.
    """
    empty = [patient for patient, reason in reasons.items() if not reason.strip()]
    if empty:
        raise ResiduaError(f"patient {empty[0]}: give a reason (--reason); the flow chart counts reasons")
    wanted = {patient: ("exclude", " ".join(reason.split())) for patient, reason in reasons.items()}
    return _changed(table, wanted, lambda role: role != "exclude", dry_run)


def include(
    table: str | os.PathLike[str], patients: Sequence[str], role: str = "auto", dry_run: bool = False
) -> list[Change]:
    """Give excluded patients ``role`` (auto or holdout) and take their reason away. Raises as ``exclude`` does."""
    if role not in _ROLES_BACK:
        raise ResiduaError(f"role {role}: write {' or '.join(_ROLES_BACK)}")
    wanted = dict.fromkeys(patients, (role, ""))
    return _changed(table, wanted, lambda before: before == "exclude", dry_run)


def _changed(
    table: str | os.PathLike[str],
    wanted: Mapping[str, tuple[str, str]],
    needed: Callable[[str], bool],
    dry_run: bool,
) -> list[Change]:
    path = os.fspath(table)
    _require_no_workbook(path)
    header, rows = _read(path)
    numbers = {patient: number for number, patient in enumerate(_column(header, rows, "patient"))}
    unknown = [patient for patient in wanted if patient not in numbers]
    if unknown:
        raise ResiduaError(
            f"{path}: no patient {', '.join(unknown)} in the table; write identifiers as its column patient has them"
        )
    roles = _column(header, rows, ROLE)
    changes = [
        Change(patient, role, reason, roles[numbers[patient]], needed(roles[numbers[patient]]))
        for patient, (role, reason) in wanted.items()
    ]
    cells = {numbers[c.patient]: {ROLE: c.role, REASON: c.reason} for c in changes if c.needed}
    if cells and not dry_run:
        _write(path, cells)
    return changes


def _require_no_workbook(path: str) -> None:
    file = Path(table_file(path))
    if file.is_file() and file.read_bytes().startswith(WORKBOOKS):
        raise ResiduaError(
            f"{path}: a workbook is never changed by Residua; write role exclude and exclusion_reason into its row, or "
            "save the sheet as CSV (UTF-8)"
        )


def _read(path: str) -> tuple[Line, list[Line]]:
    lines, problems = read_lines(path)
    raise_problems(problems, f"{path}: the cohort table cannot be used")
    header, *rows = lines
    for column in ("patient", ROLE):
        if column not in header.cells:
            raise ResiduaError(f"{path}: the column {column} is missing; is this the cohort table?")
    for row in rows:
        if len(row.cells) != len(header.cells):
            raise ResiduaError(
                f"{path}: row {row.row} has {len(row.cells)} cells under {len(header.cells)} columns; "
                "give every row one cell per column"
            )
    return header, rows


def _column(header: Line, rows: Sequence[Line], column: str) -> list[str]:
    place = header.cells.index(column)
    return [row.cells[place] for row in rows]


def _write(path: str, cells: Mapping[int, Mapping[str, str]]) -> None:
    content = Path(path).read_bytes()
    # A table that is a link stays one: the file that it names is replaced.
    with writing(os.path.realpath(path), suffix=Path(path).suffix) as beside:
        beside.write_bytes(
            with_parquet_cells(content, cells) if content.startswith(MAGIC) else _with_text_cells(content, path, cells)
        )


def _with_text_cells(content: bytes, path: str, cells: Mapping[int, Mapping[str, str]]) -> bytes:
    mark, encoding = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    text, problems = decoded(content, path)
    raise_problems(problems, f"{path}: the cohort table cannot be used")
    return mark + with_cells(text, cells).encode(encoding)
