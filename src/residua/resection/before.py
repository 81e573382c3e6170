"""Measure the tumour before surgery in the scan on which it was drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from residua.images.volumes import load_mask


def volumes_before(masks: Mapping[str, str]) -> dict[str, float]:
    """Return the volume (ml) of each patient's mask, by patient, on its own grid.

    >>> from residua.images.volumes import Grid, Image, save
    >>> mask = Image(np.ones((2, 2, 2), dtype=bool), Grid((2, 2, 2), np.diag([5.0, 5.0, 10.0, 1.0])))
    >>> save(mask, "pre_tumor.nii.gz")
    >>> {patient: round(ml, 6) for patient, ml in volumes_before({"AMS1": "pre_tumor.nii.gz"}).items()}
    {'AMS1': 2.0}
    """
    return {patient: _volume_ml(file) for patient, file in masks.items()}


def _volume_ml(file: str) -> float:
    mask = load_mask(file)
    return int(np.count_nonzero(mask.data)) * mask.grid.voxel_ml
