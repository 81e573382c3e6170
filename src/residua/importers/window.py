"""Judge whether a scan is early post-operative: by the source's own evidence, unless the user assumes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from residua.importers.found import NOT_EARLY, Found, FoundPatient

UNKNOWN = f"{NOT_EARLY}: the time from surgery to the scan is not known"
BEFORE = f"{NOT_EARLY}: the scan was before surgery"


@dataclass(frozen=True)
class Window:
    """The latest scan in hours after surgery; ``assume_early``: a scan of unknown time counts as early."""

    hours: float = 72.0
    assume_early: bool = False


def judged(found: Found, window: Window) -> Found:
    """Add a reason to exclude every patient whose ``hours_since_surgery`` is not within the window.

    For layouts whose documentation does not give the time. Patients who are excluded already keep their reason, and
    patients without ``post_t1ce`` get none, because the study's protocol excludes them.
    """
    return replace(found, patients=tuple(_judged(patient, window) for patient in found.patients))


def _judged(patient: FoundPatient, window: Window) -> FoundPatient:
    if patient.exclusion_reason or "post_t1ce" not in patient.images:
        return patient
    return replace(patient, exclusion_reason=_reason(patient.clinical.get("hours_since_surgery", ""), window))


def _reason(cell: str, window: Window) -> str:
    try:
        hours = float(cell)
    except ValueError:
        hours = math.nan
    if math.isnan(hours):
        return "" if window.assume_early else UNKNOWN
    if hours < 0:
        return BEFORE
    return late(hours, window)


def late(hours: float | None, window: Window) -> str:
    """Return the reason to exclude a scan at least so many hours after surgery; empty if it may be in the window."""
    is_late = hours is not None and hours > window.hours
    return f"{NOT_EARLY}: the scan was later than {window.hours:g} h after surgery" if is_late else ""
