"""Summarise the quality control of the preprocessing in numbers, without the name of a patient."""

from __future__ import annotations

from collections.abc import Sequence

from residua.quality.flags import Flag
from residua.report.wording import counted, listed


def quality(flags: Sequence[Flag], patients: int) -> tuple[str, ...]:
    """Return how many of ``patients`` were flagged and why, the most frequent reason first."""
    flagged = {flag.patient for flag in flags}
    if not flagged:
        return (f"Registration and brain mask of {counted(patients, 'patient')} were measured, and none was flagged.",)
    by_reason: dict[str, set[str]] = {}
    for flag in flags:
        by_reason.setdefault(flag.reason, set()).add(flag.patient)
    ordered = sorted(by_reason.items(), key=lambda item: (-len(item[1]), item[0]))
    reasons = [f"{reason} ({len(members)})" for reason, members in ordered]
    return (
        f"Registration and brain mask of {counted(patients, 'patient')} were measured. "
        f"{counted(len(flagged), 'patient was', 'patients were')} flagged for values beyond a limit or far from those "
        f"of the others: {listed(reasons)}.",
        "A flag asks for a look at the patient. Flagged patients are part of all results unless the cohort table "
        "excludes them.",
    )
