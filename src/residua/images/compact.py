"""Store an image to be looked at: in integers, of which no more are kept than an eye or a measure could tell apart.

The mantissa of a resampled voxel is noise that no compression makes smaller. Networks never see these files.
"""

from __future__ import annotations

import os

import numpy as np

from residua.images.volumes import Image, save

_STEPS = 1000
"""Between 0 and the bright end of the image; a screen shows 256."""
_BRIGHT_PERCENTILE = 99.9
_LARGEST = np.iinfo(np.int16).max


def step_of(image: Image) -> float:
    """Return the difference between two neighbouring grey values of a compact image (x, y, z; finite).

    It is a thousandth of the bright end, or more where a few voxels are so bright that 16 bits would not hold them.

    >>> from residua.images.volumes import Grid
    >>> round(step_of(Image(np.arange(8000.0).reshape(20, 20, 20), Grid((20, 20, 20), np.eye(4)))), 2)
    7.99
    """
    magnitude = np.abs(image.data)
    there = magnitude[magnitude > 0]
    if not there.size:
        return 1.0
    return max(float(np.percentile(there, _BRIGHT_PERCENTILE)) / _STEPS, float(there.max()) / _LARGEST)


def save_compact(image: Image, path: str | os.PathLike[str]) -> None:
    """Write an image (x, y, z; finite) in 16 bits and a slope; what is 0 stays 0, and nothing else becomes 0.

    Zero means that the scan does not reach there. Each value is at most one step (``step_of``) from its own.

    >>> from residua.images.volumes import Grid, load
    >>> values = np.array([0.0, 1e-9, -300.0, 1000.0]).reshape(4, 1, 1)
    >>> save_compact(Image(values, Grid((4, 1, 1), np.eye(4))), "shown.nii.gz")
    >>> np.round(load("shown.nii.gz").data.ravel()).tolist()
    [0.0, 1.0, -300.0, 1000.0]
    """
    step = step_of(image)
    levels = np.clip(np.rint(image.data / step), -_LARGEST, _LARGEST).astype(np.int16)
    lost = (levels == 0) & (image.data != 0)
    levels[lost] = np.where(image.data[lost] < 0, -1, 1)
    save(Image(levels, image.grid), path, slope=step)
