"""Read cells of clinical tables exactly: a number, a date, a moment. What cannot be read is never "not known"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path

from residua.cohort.table.lines import Line
from residua.cohort.table.rows import CohortRow, typed
from residua.cohort.table.unknown_names import UNKNOWN_NAMES
from residua.errors import ResiduaError
from residua.settings.columns import SURVIVAL

_UNKNOWN = ("", "n/a", "-", "?", ".", *UNKNOWN_NAMES)
"""Texts, in lower case, that say that a value is not known."""
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_DOUBTFUL_COMMA = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
"""A comma that separates thousands as well as decimals."""
_YEAR_FIRST = r"(?P<year>\d{4})(?P<between>[-/.])(?P<month>\d{1,2})(?P=between)(?P<day>\d{1,2})"
_YEAR_LAST = r"(?P<first>\d{1,2})(?P<between>[-/.])(?P<second>\d{1,2})(?P=between)(?P<year>\d{4})"
_COMPACT = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
_CLOCK = (
    r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?::?(?P<second_>\d\d)(?:[.,](?P<fraction>\d+))?)?\s*(?P<half>[ap]m)?"
    r"\s*(?P<zone>z|utc|gmt|[+-]\d\d(?::?\d\d)?)?"
)
_MOMENTS = tuple(
    re.compile(rf"{date}(?:{apart}{_CLOCK})?", re.ASCII | re.IGNORECASE)
    for date, apart in ((_YEAR_FIRST, r"(?:t|,?\s+)"), (_YEAR_LAST, r"(?:t|,?\s+)"), (_COMPACT, r"(?:t|\s+)?"))
)


class UnreadableCellError(ResiduaError):
    """A cell with a value that cannot be read; ``column`` is its column."""

    def __init__(self, column: str, text: str, why: str) -> None:
        """Name the column, the value and what to do."""
        self.column = column
        super().__init__(f"{column} {text!r} {why}")

    @property
    def reason(self) -> str:
        """Return the reason to exclude the patient, without the value: reasons are published, and dates identify."""
        return f"the value of {self.column} cannot be read"


@dataclass(frozen=True)
class WrittenMoment:
    """A date, with its time of day if ``has_time``, else at midnight. ``at`` has a time zone if the text has one."""

    at: datetime
    has_time: bool


def rows_under(header: Sequence[str], lines: Iterable[Line], file: Path) -> list[dict[str, str]]:
    """Return the cells of each line by column; a short line lacks the last ones.

    Raises ``ResiduaError`` for a line with a value beyond the last column.
    """
    rows = []
    for line in lines:
        if any(line.cells[len(header) :]):
            raise ResiduaError(f"{file}: row {line.row} has more cells than the header has columns; correct it")
        rows.append(dict(zip(header, line.cells, strict=False)))
    return rows


def is_known(text: str | None) -> bool:
    """Return whether a cell has a value."""
    return text is not None and text.strip().casefold() not in _UNKNOWN


def number_of(column: str, text: str | None) -> float | None:
    """Return a cell as a number, with a decimal point or comma; None if it is not known.

    Raises ``UnreadableCellError`` if it has another value.
    """
    if text is None or not is_known(text):
        return None
    if _DOUBTFUL_COMMA.fullmatch(text.strip()) or not _NUMBER.fullmatch(text.strip()):
        raise UnreadableCellError(column, text, "is not a number; write it with digits and a decimal point")
    return float(text.replace(",", "."))


def moment_of(column: str, text: str | None) -> WrittenMoment | None:
    """Return a cell as a date or moment; None if it is not known.

    A date is year, month, day; or day, month, year where dots separate them or where only one order is possible. The
    time of day is as ``time_of_day`` reads it.
    Raises ``UnreadableCellError`` for every other text, so that no time of day is lost and no month is guessed.
    """
    if text is None or not is_known(text):
        return None
    matches = (form.fullmatch(text.strip()) for form in _MOMENTS)
    parts = next((match.groupdict() for match in matches if match), None)
    if parts is None:
        raise UnreadableCellError(column, text, "is not a date or a date and time; write it as 2020-01-31T14:30:00")
    day, month = _day_and_month(column, text, parts)
    try:
        on, clock = date(int(parts["year"]), month, day), _clock(parts)
    except ValueError as error:
        raise UnreadableCellError(column, text, f"is no moment ({error}); write it as 2020-01-31T14:30:00") from None
    return WrittenMoment(datetime.combine(on, clock or time.min, _zone(parts["zone"])), clock is not None)


def time_of_day(hour: int, minute: int, second: int = 0, microsecond: int = 0) -> time | None:
    """Return a time of day; None for exactly midnight, by which tables and scanners say that it is not known.

    A leap second, which Python has not, is the second before it. Raises ``ValueError`` if there is no such time.
    """
    found = time(hour, minute, 59 if second == 60 else second, microsecond)
    return None if found == time.min else found


def _day_and_month(column: str, text: str, parts: Mapping[str, str]) -> tuple[int, int]:
    if "month" in parts:
        return int(parts["day"]), int(parts["month"])
    first, second = int(parts["first"]), int(parts["second"])
    if parts["between"] != "." and first != second and max(first, second) <= 12:
        raise UnreadableCellError(column, text, "may be two dates (day or month first); write it as 2020-01-31")
    return (second, first) if second > 12 else (first, second)


def _clock(parts: Mapping[str, str | None]) -> time | None:
    """Return the time of day, None if it is not known. Raises ``ValueError`` if it is none."""
    if parts["hour"] is None:
        return None
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second_"))
    if half := (parts["half"] or "").lower():
        if not 1 <= hour <= 12:
            raise ValueError("hour must be in 1..12 before am or pm")
        hour = hour % 12 + 12 * (half == "pm")
    return time_of_day(hour, minute, second, int((parts["fraction"] or "").ljust(6, "0")[:6]))


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text.isalpha():
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    return timezone((-1 if text[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def hours_between(start: WrittenMoment, end: WrittenMoment) -> float:
    """Return the hours between two moments with a time of day; zones count where both have one."""
    first, last = start.at, end.at
    if first.tzinfo is None or last.tzinfo is None:
        first, last = first.replace(tzinfo=None), last.replace(tzinfo=None)
    return (last - first).total_seconds() / 3600


def outcome(row: Mapping[str, str]) -> dict[str, str]:
    """Return ``survival_days`` and ``death`` as far as a source knows them; ``write`` leaves out one alone."""
    return {column: row[column].strip() for column in SURVIVAL if is_known(row.get(column))}


def demographics(age: str | None, sex: str | None) -> dict[str, str]:
    """Return ``age`` (years) and ``sex`` as in the cohort table, if known; what cannot be read stays as it is."""
    cells = {column: text.strip() for column, text in (("age", age), ("sex", sex)) if text and is_known(text)}
    return {column: typed(CohortRow, column, text) or text for column, text in cells.items()}
