"""Reduce a mask to its largest component, and fill holes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def largest_piece(mask: Mask) -> Mask:
    """Return the component of ``mask`` (x, y, z) with the most voxels, neighbours by faces; an empty mask stays empty.

    >>> largest_piece(np.array([True, False, True, True])).tolist()
    [False, False, True, True]
    """
    pieces, _ = ndimage.label(mask)
    sizes = np.bincount(pieces.ravel())
    return np.asarray(pieces == 1 + sizes[1:].argmax()) if len(sizes) > 1 else mask


def solid(mask: NDArray[Any]) -> Mask:
    """Return the largest component of ``mask`` (x, y, z; inside where above 0.5) with its holes filled.

    >>> ring = np.ones((3, 3, 3))
    >>> ring[1, 1, 1] = 0
    >>> bool(solid(ring).all())
    True
    """
    return np.asarray(ndimage.binary_fill_holes(largest_piece(np.asarray(mask) > 0.5)))
