"""Which voxels of a head are face, in the space of the MNI152 template, and what is too near to what must be kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.components import Mask
from residua.images.volumes import Grid, box_around

_NORMAL, _BROW_MM = (0.695, -0.719), 50.0
"""Of the plane through the brow and the pharynx: its normal along y and z of MNI space, and its distance from 0."""
_BEHIND_MM = 0.0
"""Nothing further back than the anterior commissure is face: spine and ears stay."""


def without_margin(region: Mask, kept: Mask, grid: Grid, margin_mm: float) -> Mask:
    """Return a region (x, y, z) without all that is nearer to what must be kept than a margin.

    >>> region, kept = np.ones((9, 1, 1), bool), np.zeros((9, 1, 1), bool)
    >>> kept[1] = True
    >>> without_margin(region, kept, Grid((9, 1, 1), np.eye(4)), 3.0)[:, 0, 0].tolist()
    [False, False, False, False, False, True, True, True, True]
    """
    if not kept.any() or not region.any():
        return region
    box = box_around(grid, region, margin_mm + max(grid.spacing_mm))
    if not kept[box].any():
        return region
    far = np.ones_like(region)
    far[box] = ndimage.distance_transform_edt(~kept[box], sampling=grid.spacing_mm) > margin_mm
    return np.asarray(region & far)


def in_front(grid: Grid, to_template: NDArray[np.float64]) -> Mask:
    """Return the voxels in front of the plane through the brow."""
    voxel_to_mni = to_template @ grid.affine
    index = np.ogrid[: grid.shape[0], : grid.shape[1], : grid.shape[2]]
    y_mm, z_mm = (
        sum((np.float32(step) * each for step, each in zip(row[:3], index, strict=True)), np.float32(row[3]))
        for row in voxel_to_mni[1:3]
    )
    return np.asarray((_NORMAL[0] * y_mm + _NORMAL[1] * z_mm > _BROW_MM) & (y_mm > _BEHIND_MM))
