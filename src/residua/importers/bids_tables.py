"""Read the tables of a BIDS data set: participants, and the time from surgery to a scan."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from residua.cohort.table.lines import MISSING, read_lines
from residua.cohort.table.location import table_file
from residua.errors import ResiduaError
from residua.importers.cells import hours_between, is_known, moment_of, number_of, rows_under
from residua.problems.lists import errors_of
from residua.settings.columns import GRADED, SURVIVAL

HOSPITAL_NAMES = ("hospital", "site", "center", "centre", "institution", "site_id")
SURGERY_NAMES = ("surgery_date", "surgery_time", "surgery_datetime", "date_of_surgery", "surgery")
HOURS = {"hours_since_surgery": 1.0, "days_since_surgery": 24.0}
_SESSION = ("session_id", "session", "ses", "visit", "visit_id", "timepoint")
_SOURCE = "hours after surgery"
Row = Mapping[str, str]


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read the rows of a table as cells by column in lower case; no rows if it does not exist.

    Cells that are empty or ``n/a`` are omitted. Raises ``ResiduaError`` if the file cannot be split into cells, or has
    a column twice or a cell without a column.
    """
    if not os.path.lexists(table_file(path)):
        return ()
    lines, problems = read_lines(str(path), row_of="entry")
    if damaged := errors_of(problems):
        raise ResiduaError(str(damaged[0]))
    header = [name.lower() for name in lines[0].cells]
    if twice := [name for name, n in Counter(header).items() if n > 1 and name]:
        raise ResiduaError(f"{path}: the column {twice[0]} is twice in the header; delete one")
    rows = rows_under(header, lines[1:], path)
    return tuple({column: cell for column, cell in row.items() if cell not in MISSING} for row in rows)


def rows_named(rows: Iterable[Row], column: str, name: str) -> list[Row]:
    """Return the different rows whose ``column`` is ``name``, with or without the key before the hyphen."""
    found: list[Row] = []
    for row in rows:
        if column in row and _bare(row[column]) == _bare(name) and row not in found:
            found.append(row)
    return found


def _bare(name: str) -> str:
    return normalize("NFC", name).removeprefix("sub-").removeprefix("ses-")


def only_row(rows: Sequence[Row], what: str) -> Row:
    """Return the one row; empty if there is none. Raises ``ResiduaError`` for several, with ``what`` they are of."""
    if len(rows) > 1:
        raise ResiduaError(f"{what}: {len(rows)} rows that differ; keep the right one")
    return rows[0] if rows else {}


def person_of(people: Sequence[Row], subject: str, session: str, has_others: bool = False) -> Row:
    """Return what ``participants.tsv`` says of a participant at the post-operative ``session``.

    Of several rows, a column of sessions says which one counts; what all rows say holds for every session, but a time
    since surgery does not if the participant ``has_others``, other sessions after surgery.
    Raises ``ResiduaError`` if rows differ and no session tells them apart.
    """
    rows = rows_named(people, "participant_id", subject)
    if not rows or (len(rows) == 1 and not has_others):
        return only_row(rows, subject)
    column = next((name for name in _SESSION if all(name in row for row in rows)), None)
    if column is None and len(rows) > 1:
        raise ResiduaError(
            f"participants.tsv has {len(rows)} rows of {subject} that differ, and no column such as session_id that "
            "tells which one is of the post-operative scan; keep one row, or add the column"
        )
    own = [row for row in rows if column and _bare(row[column]).casefold() == session.casefold()]
    if own:
        return only_row(own, f"participants.tsv: {subject}, session {session}")
    # A time since surgery, a survival from it and a grade are of one scan, even where all rows of other scans agree.
    shared = {name: cell for name, cell in rows[0].items() if all(row.get(name) == cell for row in rows)}
    return {name: cell for name, cell in shared.items() if name not in (*HOURS, *GRADED, *SURVIVAL)}


def hospital_column(rows: Sequence[Row], wanted: str | None) -> str | None:
    """Return the column of ``participants.tsv`` with the hospital. Raises ``ResiduaError`` if ``wanted`` is missing."""
    columns = {column for row in rows for column in row}
    if wanted is None:
        return next((name for name in HOSPITAL_NAMES if name in columns), None)
    if wanted.lower() not in columns:
        there = ", ".join(sorted(columns)) or "none"
        raise ResiduaError(f"--hospital-column {wanted}: participants.tsv has only the columns {there}")
    return wanted.lower()


@dataclass(frozen=True)
class TimeSinceSurgery:
    """Hours from surgery to a scan; ``remark`` gives their source."""

    hours: float
    remark: str


def interval(rows: Iterable[Row], acquired: str | None, surgery_column: str | None) -> TimeSinceSurgery | None:
    """Return the hours after surgery, from a column or from the times of surgery and scan; None if unknown.

    ``rows`` are searched in order: the session's row, then the participant's. Without a time of day in both, the
    difference is whole days. Raises ``UnreadableCellError`` if a value is there that cannot be read.
    """
    cells = {column: cell for row in reversed(list(rows)) for column, cell in row.items()}
    for column, factor in HOURS.items():
        if (number := number_of(column, cells.get(column))) is not None:
            return TimeSinceSurgery(number * factor, f"{_SOURCE}: from the column {column}")
    columns = SURGERY_NAMES if surgery_column is None else (surgery_column.lower(),)
    surgery = next((column for column in columns if is_known(cells.get(column))), columns[0])
    operated, scanned = moment_of(surgery, cells.get(surgery)), moment_of("acq_time", acquired)
    if operated is None or scanned is None:
        return None
    if operated.has_time and scanned.has_time:
        one_zone = (operated.at.tzinfo is None) != (scanned.at.tzinfo is None)
        remark = f"{_SOURCE}: from the times of surgery and scan"
        remark += "; only one of them has a time zone, both are taken as local" if one_zone else ""
        return TimeSinceSurgery(round(hours_between(operated, scanned), 4), remark)
    days = (scanned.at.date() - operated.at.date()).days
    return TimeSinceSurgery(days * 24.0, f"{_SOURCE}: {days} whole days between the dates of surgery and scan")
