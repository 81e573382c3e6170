"""Load a scan with its background at zero, as registration, stripping and the networks take it.

A scan that was normalised has negative values: its background lies below zero, or at a grey value of the brain. Its
centre of mass is then undefined, and a zero outside of the brain would be a grey value of the brain.
"""

from __future__ import annotations

import os

import numpy as np

from residua.images.background import body_of
from residua.images.volumes import Image, load


def load_scan(path: str | os.PathLike[str]) -> Image:
    """Load a 3D NIfTI file as ``volumes.load`` does, and lift negative values (``lifted``).

    >>> from residua.images.volumes import Grid, save
    >>> values = np.arange(-13, 14, dtype=np.float32).reshape(3, 3, 3)
    >>> save(Image(values, Grid((3, 3, 3), np.eye(4))), "scan.nii.gz")
    >>> load_scan("scan.nii.gz").data.min()
    np.float32(0.0)
    """
    return lifted(load(path))


def lifted(image: Image) -> Image:
    """Return an image with negative values (x, y, z) with its lowest value at 0 and its constant background there too.

    An image without negative values stays as it is. Values that are not finite stay, too.

    >>> volume = np.zeros((5, 5, 5), np.float32)
    >>> volume[1:4, 1:4, 1:4] = np.arange(27.0).reshape(3, 3, 3) - 13.5
    >>> from residua.images.volumes import Grid
    >>> shown = lifted(Image(volume, Grid(volume.shape, np.eye(4)))).data
    >>> float(shown[0, 0, 0]), float(shown[1, 1, 1]), float(shown[3, 3, 3])
    (0.0, 0.0, 26.0)
    """
    finite = np.isfinite(image.data)
    lowest = float(image.data.min(where=finite, initial=0.0))
    if lowest >= 0:
        return image
    body = body_of(Image(np.where(finite, image.data, np.float32(0)), image.grid))
    shown = np.asarray(image.data - np.float32(lowest))
    return Image(np.where(finite & ~body, np.float32(0), shown), image.grid)
