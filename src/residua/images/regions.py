"""The box around a label and its surroundings, within another box."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Box, Grid, box_around


def region_box(grid: Grid, label: NDArray[np.bool_], margin_mm: float, whole: Box) -> Box:
    """Return the part of the box ``whole`` that holds a label (x, y, z) and ``margin_mm`` around it.

    Return ``whole`` for an empty label and for one whose surroundings lie outside of it.

    >>> label = np.zeros((10, 10, 10), dtype=bool)
    >>> label[4, 4, 4] = True
    >>> region_box(Grid(label.shape, np.eye(4)), label, 2.0, (slice(0, 9), slice(3, 9), slice(5, 9)))
    (slice(2, 7, None), slice(3, 7, None), slice(5, 7, None))
    """
    if not label.any():
        return whole
    wanted = box_around(grid, label, margin_mm)
    x, y, z = (slice(max(own.start, at.start), min(own.stop, at.stop)) for own, at in zip(wanted, whole, strict=True))
    return whole if any(side.stop <= side.start for side in (x, y, z)) else (x, y, z)
