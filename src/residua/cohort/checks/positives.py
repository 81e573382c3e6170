"""Which patients have residual tumour in the reference standard, from the masks alone, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.patient import Patient
from residua.metrics.classification import has_residual_tumor
from residua.settings.base import REFERENCE_STANDARD


def positive_patients(
    patients: Iterable[Patient],
    residual_tumor_ml: float,
    cache: str | os.PathLike[str] | None = None,
    workers: int = 1,
) -> dict[str, bool]:
    """Return by patient whether there is residual tumour; excluded patients and unreadable masks are missing.

    ``cache`` and ``workers`` are those of ``check_voxels``: masks in the cache are not read again.
    """
    found = check_voxels(patients, {REFERENCE_STANDARD: "label"}, cache=cache, workers=workers)
    return positives_of(found["residual_ml"], residual_tumor_ml)


def positives_of(volumes_ml: Mapping[str, float], residual_tumor_ml: float) -> dict[str, bool]:
    """Return by patient whether a reference volume is residual tumour."""
    return {patient: bool(has_residual_tumor(ml, residual_tumor_ml)) for patient, ml in volumes_ml.items()}
