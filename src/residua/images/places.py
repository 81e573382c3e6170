"""Places in a volume (x, y, z) at which it is worth looking, and the axes across which it is cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

AXIAL, CORONAL, SAGITTAL = 2, 1, 0


def center_of(mask: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return the voxel at the centre of mass; the middle of the grid for an empty mask.

    >>> mask = np.zeros((9, 9, 9), dtype=bool)
    >>> center_of(mask)
    (4, 4, 4)
    >>> mask[1:4, 2, 7] = True
    >>> center_of(mask)
    (2, 2, 7)
    """
    x, y, z = ndimage.center_of_mass(mask) if mask.any() else [(size - 1) / 2 for size in mask.shape]
    return round(x), round(y), round(z)


def busiest(mask: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return the level with the most voxels of a mask along each axis; unlike the centre of mass it meets the mask.

    >>> mask = np.zeros((9, 9, 9), dtype=bool)
    >>> mask[[1, 1, 8], [2, 3, 2], 4] = True
    >>> busiest(mask)
    (1, 2, 4)
    """
    x, y, z = (int(mask.sum(axis=tuple(o for o in range(3) if o != axis)).argmax()) for axis in range(3))
    return x, y, z
