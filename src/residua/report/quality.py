"""Summarise the quality control of the preprocessing in numbers, without the name of a patient."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from residua.quality.flags import Flag
from residua.report.wording import counted, listed


def quality(flags: Sequence[Flag], patients: int, failed: Collection[str] = ()) -> tuple[str, ...]:
    """Return how many of ``patients`` were flagged and why, the most frequent reason first.

    Patients who ``failed`` are left out of the study: they are none of these.
    """
    return (*_of_failed(failed), *_of_others([flag for flag in flags if flag.patient not in failed], patients))


def _of_failed(failed: Collection[str]) -> tuple[str, ...]:
    if not failed:
        return ()
    return (
        f"{counted(len(failed), 'patient was', 'patients were')} left out because a registration or the brain mask "
        "failed; no network saw them, and they are counted among the excluded. The pages below name and show them.",
    )


def _of_others(flags: Sequence[Flag], patients: int) -> tuple[str, ...]:
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
