"""Numbers by which a brain mask can be judged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from residua.images import Image


@dataclass(frozen=True)
class MaskChecks:
    """Volume, connected pieces, and shares (fractions of the mask) of the largest piece and on the grid's faces."""

    volume_ml: float
    components: int
    largest_share: float
    border_share: float


def check_mask(mask: Image) -> MaskChecks:
    """The numbers of a mask (x, y, z booleans); shares of an empty mask are 0."""
    voxels = int(mask.data.sum())
    pieces, number = ndimage.label(mask.data)
    sizes = np.bincount(pieces.ravel())[1:]
    inner = int(mask.data[1:-1, 1:-1, 1:-1].sum())
    return MaskChecks(
        volume_ml=voxels * mask.grid.voxel_ml,
        components=int(number),
        largest_share=float(sizes.max() / voxels) if voxels else 0.0,
        border_share=(voxels - inner) / voxels if voxels else 0.0,
    )
