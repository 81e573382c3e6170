"""How many references of the study were corrected after a review."""

from __future__ import annotations

from residua.cohort.table.corrections import corrected_files
from residua.settings.base import REFERENCE_STANDARD
from residua.wiring.loaded import LoadedStudy


def corrected(loaded: LoadedStudy) -> dict[str, int]:
    """Count the patients whose reference in the table is a corrected one, in all and of the hold-out."""
    files = {p: loaded.cohort.patients[p].files.get(REFERENCE_STANDARD, "") for p in loaded.split.patients}
    changed = corrected_files(files.values())
    patients = {patient for patient, file in files.items() if file in changed}
    return {"all": len(patients), "holdout": len(patients & set(loaded.split.holdout))}
