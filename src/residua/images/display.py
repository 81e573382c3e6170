"""Choose the grey values with which an image is displayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW_PERCENT = (1.0, 99.5)
"""Percentiles of the head's grey values that are drawn black and white."""

_TISSUE_FRACTION = 0.1


def tissue_of(volume: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return where there is tissue: voxels above a tenth of the brightest ones (99.5th percentile).

    >>> tissue_of(np.array([0.0, 5.0, 50.0, 100.0])).tolist()
    [False, False, True, True]
    """
    return np.asarray(volume > _TISSUE_FRACTION * np.percentile(volume, 99.5))


def window(volume: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Return the grey values drawn black and white: percentiles inside the head, or 0 and 1 for an image without one.

    >>> window(np.array([0.0, 0.0, 50.0, 100.0]))
    (50.5, 99.75)
    """
    inside = volume[tissue_of(volume)]
    if not inside.size:
        return 0.0, 1.0
    low, high = np.percentile(inside, WINDOW_PERCENT)
    return float(low), float(max(high, low + np.finfo(np.float32).eps))
