"""Measurements of a brain mask that reveal a failed extraction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.volumes import Image

FACES = (("left", "right"), ("posterior", "anterior"), ("inferior", "superior"))
"""The grid's faces along x, y, z in RAS+ order: where the index is 0, and where it is largest."""

_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True)
class MaskChecks:
    """Measurements of one mask, in builtins.

    ``largest_share`` is the share of the mask in its largest component (neighbours by faces, edges or corners), 0 for
    an empty mask. ``face_shares`` holds, for every face of the grid, the share of its voxels that are in the mask: the
    brain reaches over the edge of the scan there. ``holes`` counts the bodies of background that the mask encloses.
    """

    volume_ml: float
    components: int
    largest_share: float
    face_shares: dict[str, float]
    holes: int
    holes_ml: float


def check_mask(mask: Image) -> MaskChecks:
    """Measure a mask (x, y, z; inside where above 0.5)."""
    inside = np.asarray(mask.data) > 0.5
    boxes = ndimage.find_objects(inside.astype(np.uint8))
    # What follows costs by the voxel, and a brain fills a fraction of its scan.
    brain = inside[boxes[0]] if boxes else inside[:0, :0, :0]
    labels, components = ndimage.label(brain, _NEIGHBOURS)
    sizes = np.bincount(labels.ravel(), minlength=1)[1:]
    enclosed = ndimage.binary_fill_holes(brain) & ~brain
    return MaskChecks(
        volume_ml=float(inside.sum() * mask.grid.voxel_ml),
        components=int(components),
        largest_share=float(sizes.max() / sizes.sum()) if components else 0.0,
        face_shares=_face_shares(inside),
        holes=int(ndimage.label(enclosed)[1]),
        holes_ml=float(enclosed.sum() * mask.grid.voxel_ml),
    )


def _face_shares(inside: NDArray[np.bool_]) -> dict[str, float]:
    return {
        name: float(inside.take(index, axis=axis).mean())
        for axis, names in enumerate(FACES)
        for name, index in zip(names, (0, -1), strict=True)
    }
