"""Moments of scans and surgeries: a day, with the time of day where it is known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from residua.importers.cells import UnreadableCellError, moment_of, time_of_day
from residua.importers.dicom.elements import text

_DAY = re.compile(r"(\d{4})[.]?(\d{2})[.]?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.\d*)?)?")
_LEVELS = ("Acquisition", "Series", "Study", "Content")


@dataclass(frozen=True)
class Moment:
    """A day, and the time of day if it is known."""

    day: date
    at: time | None = None

    @property
    def order(self) -> tuple[date, time]:
        """Key to sort by; a moment without time of day comes first on its day."""
        return self.day, self.at or time.min


@dataclass(frozen=True)
class Elapsed:
    """Hours from one moment to another; ``exact`` False: whole days, because a time of day is not known."""

    hours: float
    exact: bool

    @property
    def sign(self) -> int:
        """Return 1 after, −1 before, 0 if that is not known: the same day without a time of day."""
        if not self.exact and self.hours == 0:
            return 0
        return 1 if self.hours >= 0 else -1

    def __str__(self) -> str:
        if self.exact:
            return f"{self.hours:.0f} h"
        days = round(self.hours / 24)
        return f"{days} whole day{'' if abs(days) == 1 else 's'} (no time of day)"


def interval(start: Moment, end: Moment) -> Elapsed:
    """Return the time from ``start`` to ``end``."""
    if start.at is None or end.at is None:
        return Elapsed((end.day - start.day).days * 24.0, exact=False)
    elapsed = datetime.combine(end.day, end.at) - datetime.combine(start.day, start.at)
    return Elapsed(elapsed / timedelta(hours=1), exact=True)


def scanned(header: Any) -> tuple[Moment | None, tuple[str, ...]]:
    """Return when a file was acquired, None if it does not say, and a remark on each date or time that is unreadable.

    The first day given counts, with the first time of that day.
    """
    remarks: list[str] = []
    found = [_date_and_time(header, remarks)]
    for level in _LEVELS:
        day = _element(header, f"{level}Date", _day, remarks)
        found.append((day, _element(header, f"{level}Time", _time, remarks)))
    first = next((day for day, _ in found if day), None)
    if first is None:
        return None, tuple(remarks)
    apart = max(abs((day - first).days) for day, _ in found if day)
    if apart > 1:
        remarks.append(f"its dates of acquisition, series and study lie up to {apart} days apart: the first counts")
    times = (at for day, at in found if at and day in (None, first))
    return Moment(first, next(times, None)), tuple(remarks)


def written(cell: str) -> Moment:
    """Return a cell of a table as a moment, as ``moment_of`` reads it.

    Raises ``UnreadableCellError`` if it is none, and if it has a time zone, because scans tell local time.
    """
    found = moment_of("surgery", cell)
    if found is None:
        raise UnreadableCellError("surgery", cell, "is not a date or a date and time; write it as 2020-01-31 14:30")
    if found.at.tzinfo is not None:
        raise UnreadableCellError("surgery", cell, "has a time zone; write the local time of the scanner instead")
    return Moment(found.at.date(), found.at.time() if found.has_time else None)


def _element(header: Any, name: str, read: Any, remarks: list[str]) -> Any:
    """Return what ``read`` makes of an element; None with a remark, without its value, if that fails."""
    value = text(header, name)
    try:
        found = read(value) if value else None
    except ValueError:
        found = None
        remarks.append(f"{name} cannot be read")
    return found


def _date_and_time(header: Any, remarks: list[str]) -> tuple[date | None, time | None]:
    def read(value: str) -> tuple[date, time | None]:
        at = re.split(r"[+-]", value[8:])[0]
        return _day(value[:8]), _time(at) if at else None

    found: tuple[date | None, time | None] | None = _element(header, "AcquisitionDateTime", read, remarks)
    return found or (None, None)


def _day(value: str) -> date:
    match = _DAY.fullmatch(value)
    if not match:
        raise ValueError(value)
    return date(*(int(part) for part in match.groups()))


def _time(value: str) -> time | None:
    """Return the time of day as ``time_of_day`` does; None for an hour alone, too."""
    if re.fullmatch(r"\d{2}", value):
        return None
    match = _TIME.fullmatch(value)
    if not match:
        raise ValueError(value)
    return time_of_day(*(int(part or 0) for part in match.groups()))
