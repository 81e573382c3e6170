"""Make images coarser by averaging whole blocks of voxels."""

from __future__ import annotations

import numpy as np

from residua.images.volumes import Grid, Image


def averaged(image: Image, spacing_mm: float) -> Image:
    """Average blocks of whole voxels (x, y, z) to about ``spacing_mm``; an axis that is coarser already stays.

    Averaging keeps the signal of a fine scan above its noise, which thinning out would not. Voxels that fill no block
    at the upper faces are dropped.

    >>> image = Image(np.arange(4.0).reshape(4, 1, 1), Grid((4, 1, 1), np.diag([1.0, 2.0, 2.0, 1.0])))
    >>> coarse = averaged(image, spacing_mm=2.0)
    >>> coarse.data.ravel().tolist(), coarse.grid.spacing_mm
    ([0.5, 2.5], (2.0, 2.0, 2.0))
    """
    sizes = zip(image.grid.spacing_mm, image.grid.shape, strict=True)
    x, y, z = (max(1, min(round(spacing_mm / mm), n)) for mm, n in sizes)
    i, j, k = image.grid.shape[0] // x, image.grid.shape[1] // y, image.grid.shape[2] // z
    blocks = np.asarray(image.data[: i * x, : j * y, : k * z], np.float32).reshape(i, x, j, y, k, z)
    affine = image.grid.affine @ np.diag([x, y, z, 1.0])
    affine[:3, 3] += image.grid.affine[:3, :3] @ ((np.array([x, y, z]) - 1.0) / 2.0)
    return Image(blocks.mean(axis=(1, 3, 5)), Grid((i, j, k), affine, image.grid.stored_as))
