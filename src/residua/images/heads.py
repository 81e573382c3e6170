"""Find the head in an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.volumes import Grid, Image

Mask = NDArray[np.bool_]

_HEAD_FRACTION = 0.1
_COARSE_MM = 3.0
_COARSE_VOXELS = 16


@dataclass(frozen=True)
class Head:
    """An estimate of the head on every ``step``-th voxel of an image's grid."""

    inside: Mask
    step: tuple[int, int, int]
    grid: Grid

    @property
    def usable(self) -> bool:
        """Whether the estimate separates a head from its surroundings."""
        return 0.01 < float(self.inside.mean()) < 0.98

    @property
    def volume_ml(self) -> float:
        """Volume of the head in ml."""
        return float(np.count_nonzero(self.inside)) * self.grid.voxel_ml * float(np.prod(self.step))


def head_of(image: Image) -> Head:
    """Find the head: above a tenth of the way from the 2nd to the 98th percentile of intensities, cavities filled.

    The threshold is that of the Brain Extraction Tool (Smith, Hum Brain Mapp 2002;17:143-155). It is applied on a grid
    of about 3 mm, because the outline need not be known better than that.

    >>> volume = np.zeros((48, 48, 48), np.float32)
    >>> volume[12:36, 12:36, 12:36] = 100.0
    >>> head = head_of(Image(volume, Grid(volume.shape, np.eye(4))))
    >>> head.step, head.volume_ml, head.usable
    ((3, 3, 3), 13.824, True)
    """
    sizes = zip(image.grid.spacing_mm, image.grid.shape, strict=True)
    x, y, z = (max(1, min(round(_COARSE_MM / mm), voxels // _COARSE_VOXELS)) for mm, voxels in sizes)
    coarse = np.nan_to_num(image.data[::x, ::y, ::z], posinf=0.0, neginf=0.0)
    low, high = np.percentile(coarse, [2, 98])
    return Head(ndimage.binary_fill_holes(coarse > low + _HEAD_FRACTION * (high - low)), (x, y, z), image.grid)


def outside_head(mask: Mask, head: Head) -> float:
    """Return the share of a mask's voxels (x, y, z), on the grid of the head, that lie outside the head.

    >>> inside = np.array([True, True, False, False]).reshape(4, 1, 1)
    >>> head = Head(inside, (1, 1, 1), Grid((4, 1, 1), np.eye(4)))
    >>> outside_head(np.array([False, True, True, False]).reshape(4, 1, 1), head)
    0.5
    """
    places = np.argwhere(mask) // np.array(head.step)
    inside = head.inside[tuple(np.minimum(places, np.array(head.inside.shape) - 1).T)]
    return 1.0 - float(inside.mean()) if len(places) else 0.0
