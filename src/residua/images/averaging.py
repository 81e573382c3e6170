"""Coarser images by averaging whole blocks of voxels."""

from __future__ import annotations

import numpy as np

from residua.images.volumes import Grid, Image


def averaged(image: Image, spacing_mm: float) -> Image:
    """Blocks of whole voxels (x, y, z) averaged to about ``spacing_mm``; a coarser axis stays as it is.

    Averaging keeps what thinning out would not: a fine scan's signal against its noise. What fills no block at the
    upper faces is left out.
    """
    sizes = zip(image.grid.spacing_mm, image.grid.shape, strict=True)
    x, y, z = (max(1, min(round(spacing_mm / mm), n)) for mm, n in sizes)
    i, j, k = image.grid.shape[0] // x, image.grid.shape[1] // y, image.grid.shape[2] // z
    blocks = np.asarray(image.data[: i * x, : j * y, : k * z], np.float32).reshape(i, x, j, y, k, z)
    affine = image.grid.affine @ np.diag([x, y, z, 1.0])
    affine[:3, 3] += image.grid.affine[:3, :3] @ ((np.array([x, y, z]) - 1.0) / 2.0)
    return Image(blocks.mean(axis=(1, 3, 5)), Grid((i, j, k), affine, image.grid.stored_as))
