"""Read the tables of a BIDS data set: participants, and the time from surgery to a scan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from residua.cohort.table.lines import MISSING, read_lines
from residua.errors import ResiduaError
from residua.problems.lists import errors_of

_HOSPITAL = ("hospital", "site", "center", "centre", "institution", "site_id")
_SURGERY = ("surgery_date", "surgery_time", "surgery_datetime", "date_of_surgery", "surgery")
_HOURS = {"hours_since_surgery": 1.0, "days_since_surgery": 24.0}
Row = Mapping[str, str]


def read_rows(path: Path) -> tuple[Row, ...]:
    """Read the rows of a TSV file as cells by column in lower case; no rows if it does not exist.

    Cells that are empty or ``n/a`` are omitted. Raises ``ResiduaError`` if the file cannot be split into cells.
    """
    if not path.is_file():
        return ()
    lines, problems = read_lines(str(path), row_of="entry")
    if damaged := errors_of(problems):
        raise ResiduaError(str(damaged[0]))
    header = [name.lower() for name in lines[0].cells]
    cells = (zip(header, line.cells, strict=False) for line in lines[1:])
    return tuple({column: cell for column, cell in row if cell not in MISSING} for row in cells)


def row_of(rows: Iterable[Row], column: str, name: str) -> Row:
    """Return the row whose ``column`` is ``name``, with or without the key before the hyphen; empty if none is."""
    return next((row for row in rows if row.get(column, "").rpartition("-")[2] == name.rpartition("-")[2]), {})


def hospital_column(rows: Sequence[Row], wanted: str | None) -> str | None:
    """Return the column of ``participants.tsv`` with the hospital. Raises ``ResiduaError`` if ``wanted`` is missing."""
    columns = {column for row in rows for column in row}
    if wanted is None:
        return next((name for name in _HOSPITAL if name in columns), None)
    if wanted.lower() not in columns:
        there = ", ".join(sorted(columns)) or "none"
        raise ResiduaError(f"--hospital-column {wanted}: participants.tsv has only the columns {there}")
    return wanted.lower()


def demographics(row: Row) -> dict[str, str]:
    """Return ``age`` in years and ``sex`` as F or M, if known."""
    age, sex = row.get("age", ""), row.get("sex", row.get("gender", ""))[:1].upper()
    known = {"age": age} if re.fullmatch(r"\d+(\.\d+)?", age) else {}
    return known | ({"sex": sex} if sex in ("F", "M") else {})


@dataclass(frozen=True)
class TimeSinceSurgery:
    """Hours from surgery to a scan; ``remark`` gives their source."""

    hours: float
    remark: str


def interval(rows: Iterable[Row], acquired: str | None, surgery_column: str | None) -> TimeSinceSurgery | None:
    """Return the hours after surgery, from a column or from the times of surgery and scan; None if unknown.

    ``rows`` are searched in order: the session's row, then the participant's. Without a time of day in both, the
    difference is whole days.
    """
    cells = {column: cell for row in reversed(list(rows)) for column, cell in row.items()}
    for column, factor in _HOURS.items():
        if column in cells and re.fullmatch(r"-?\d+(\.\d+)?", cells[column]):
            return TimeSinceSurgery(float(cells[column]) * factor, f"hours after surgery: from the column {column}")
    columns = _SURGERY if surgery_column is None else (surgery_column.lower(),)
    surgery = next((cells[column] for column in columns if column in cells), None)
    operated, scanned = _time(surgery), _time(acquired)
    if operated is None or scanned is None:
        return None
    if "T" in str(surgery) and "T" in str(acquired):
        hours = (scanned - operated).total_seconds() / 3600
        return TimeSinceSurgery(round(hours, 1), "hours after surgery: from the times of surgery and scan")
    days = (scanned.date() - operated.date()).days
    return TimeSinceSurgery(
        days * 24.0, f"hours after surgery: {days} whole days between the dates of surgery and scan"
    )


def _time(text: str | None) -> datetime | None:
    """Parse a time in BIDS format; the time zone is ignored, because surgery and scan rarely both have it."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None) if text else None
    except ValueError:
        return None
