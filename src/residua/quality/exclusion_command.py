"""The command ``residua exclude``: from patients or flags to rows of the cohort table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from residua.cohort.table import exclusion
from residua.errors import ResiduaError
from residua.quality.flags import read_flags


def chosen(patients: Sequence[str], reason: str, flags: Path | None, only: Sequence[str]) -> dict[str, str]:
    """Return the reason of each patient: ``reason`` if it is given, else the flags of the patient.

    Raises ``ResiduaError`` when no patient is named, or a named patient has no flag.
    """
    if flags is None:
        if only or not patients:
            raise ResiduaError(
                "name the patients, or give --flags results/quality/flags.tsv (--patient chooses among its patients)"
            )
        return dict.fromkeys(patients, reason)
    by_patient: dict[str, list[str]] = {}
    for flag in read_flags(flags):
        by_patient.setdefault(flag.patient, []).append(flag.reason)
    wanted = [*patients, *only]
    unflagged = [patient for patient in wanted if patient not in by_patient]
    if unflagged:
        raise ResiduaError(f"{flags}: no flag of {', '.join(unflagged)}; exclude without --flags and give a --reason")
    # In one order, so that the participant flow counts equal reasons together.
    return {patient: reason or "; ".join(sorted(set(by_patient[patient]))) for patient in wanted or by_patient}


def excluded(cohort: Path, reasons: Mapping[str, str], undo: bool, dry_run: bool) -> list[exclusion.Change]:
    """Exclude the patients, or with ``undo`` include them again."""
    if undo:
        return exclusion.include(cohort, list(reasons), dry_run=dry_run)
    return exclusion.exclude(cohort, reasons, dry_run)
