"""Where the head is in an image."""

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
        """Whether the estimate tells a head from what is around it."""
        return 0.01 < float(self.inside.mean()) < 0.98

    @property
    def volume_ml(self) -> float:
        """Volume of the head in ml."""
        return float(np.count_nonzero(self.inside)) * self.grid.voxel_ml * float(np.prod(self.step))


def head_of(image: Image) -> Head:
    """The head: above a tenth of the way from the 2nd to the 98th percentile of intensities, its cavities filled.

    The threshold is that of the Brain Extraction Tool (Smith, Hum Brain Mapp 2002;17:143-155). It is asked on a grid of
    about 3 mm: the outline need be known no better than that.
    """
    sizes = zip(image.grid.spacing_mm, image.grid.shape, strict=True)
    x, y, z = (max(1, min(round(_COARSE_MM / mm), voxels // _COARSE_VOXELS)) for mm, voxels in sizes)
    coarse = np.nan_to_num(image.data[::x, ::y, ::z], posinf=0.0, neginf=0.0)
    low, high = np.percentile(coarse, [2, 98])
    return Head(ndimage.binary_fill_holes(coarse > low + _HEAD_FRACTION * (high - low)), (x, y, z), image.grid)


def outside_head(mask: Mask, head: Head) -> float:
    """The share of a mask's voxels (x, y, z), on the grid of the head, that lie outside the head."""
    places = np.argwhere(mask) // np.array(head.step)
    inside = head.inside[tuple(np.minimum(places, np.array(head.inside.shape) - 1).T)]
    return 1.0 - float(inside.mean()) if len(places) else 0.0
