"""Tell how thick the slices of a scan are from its header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def slice_thicknesses(grids: Mapping[str, Mapping[str, Mapping[str, Any]]], sequence: str) -> dict[str, float]:
    """Return the thickest voxel edge (mm) of a sequence by patient, of those who have it.

    ``grids`` gives ``spacing_mm`` by patient and sequence, as the checks of a cohort record it. That edge is the
    distance between slices, except in scans whose voxels are thicker within a slice than across.

    >>> slice_thicknesses({"P1": {"post_t1ce": {"spacing_mm": [0.9, 0.9, 3.0]}}, "P2": {}}, "post_t1ce")
    {'P1': 3.0}
    """
    return {patient: max(own[sequence]["spacing_mm"]) for patient, own in grids.items() if sequence in own}
