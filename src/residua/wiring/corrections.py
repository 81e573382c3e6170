"""How many references of the study were corrected after a review."""

from __future__ import annotations

from residua.cohort.table.corrections import corrected_files
from residua.settings.base import REFERENCE_STANDARD
from residua.wiring.loaded import LoadedStudy


def corrected(loaded: LoadedStudy) -> dict[str, int]:
    """Count the patients whose reference in the table is a corrected one, in all and of the hold-out."""
    files = corrected_files(loaded.study.cohort)
    patients = [p for p in loaded.split.patients if loaded.cohort.patients[p].files.get(REFERENCE_STANDARD) in files]
    return {"all": len(patients), "holdout": len(set(patients) & set(loaded.split.holdout))}
