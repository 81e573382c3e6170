"""What ``residua exclude`` does: from patients or flags to rows of the cohort table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from residua.cohort.table import exclusion
from residua.errors import ResiduaError
from residua.quality.flags import read_flags


def chosen(patients: Sequence[str], reason: str, flags: Path | None, only: Sequence[str]) -> dict[str, str]:
    """The reason of each patient: ``reason``, or without one the patient's flags.

    Raises ``ResiduaError`` when nobody is named, or a patient of ``only`` is not flagged.
    """
    if flags is None:
        if only or not patients:
            raise ResiduaError("name the patients, or give --flags results/quality/flags.tsv (--patient limits those)")
        return dict.fromkeys(patients, reason)
    found: dict[str, list[str]] = {}
    for flag in read_flags(flags):
        found.setdefault(flag.patient, []).append(flag.reason)
    wanted = [*patients, *only]
    unflagged = [patient for patient in wanted if patient not in found]
    if unflagged:
        raise ResiduaError(f"{flags}: no flag of {', '.join(unflagged)}; name the patient with --reason instead")
    # In one order, so that the participant flow counts equal reasons together.
    return {patient: reason or "; ".join(sorted(set(found[patient]))) for patient in wanted or found}


def excluded(cohort: Path, reasons: Mapping[str, str], undo: bool, dry_run: bool) -> list[exclusion.Change]:
    """Exclude the patients, or with ``undo`` take them back."""
    if undo:
        return exclusion.include(cohort, list(reasons), dry_run=dry_run)
    return exclusion.exclude(cohort, reasons, dry_run)
