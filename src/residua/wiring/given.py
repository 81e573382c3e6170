"""The files that a table gives, in contrast to those that jobs make."""

from __future__ import annotations

from residua.wiring.loaded import LoadedStudy
from residua.wiring.rating import ratings


def given_files(loaded: LoadedStudy) -> set[str]:
    """Return the scans and labels of all patients, the masks of raters and the predictions made elsewhere."""
    files = {file for patient in loaded.cohort.patients.values() for file in patient.files.values()}
    files |= {rated.mask for rated in ratings(loaded)}
    return files | {file for found in loaded.predictions.values() for file in found.values()}
