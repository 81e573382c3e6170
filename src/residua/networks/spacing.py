"""Divide the brain's box into voxels of a network's spacing."""

from __future__ import annotations

from residua.images.volumes import Grid
from residua.preparation.brain_crop import Crop


def grid_with_spacing(crop: Crop, spacing_mm: tuple[float, float, float]) -> Grid:
    """Return the grid over the crop's extent whose voxels are nearest to ``spacing_mm``, at least one along each axis.

    The number of voxels is that of nnU-Net's ``compute_new_shape``, including its rounding.
    """
    x, y, z = (
        max(round(own / wanted * n), 1)
        for n, own, wanted in zip(crop.shape, crop.grid.spacing_mm, spacing_mm, strict=True)
    )
    return crop.divided((x, y, z))
