"""Choose the grey values with which an image is displayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.images.background import background_of
from residua.images.components import Mask

WINDOW_PERCENT = (1.0, 99.5)
"""Percentiles of the brain's grey values that are drawn black and white."""
BRIGHT_PERCENT = 99.0
"""Percentile of a tumour's grey values that is drawn white where the tumour is brighter than the brain."""

_TISSUE_FRACTION = 0.1
Volume = NDArray[np.floating[Any]]


def tissue_of(volume: Volume, brain: Mask | None = None) -> Mask:
    """Return where there is tissue: the brain, and what is brighter than a tenth of the range and no background.

    The range is from the 2nd to the 99.5th percentile.

    >>> volume = np.zeros((7, 7, 7))
    >>> volume[2:5, 2:5, 2:5] = np.linspace(1.0, 100.0, 27).reshape(3, 3, 3)
    >>> int(tissue_of(volume).sum())
    24
    """
    low, high = np.percentile(volume, (2.0, 99.5))
    tissue = np.asarray(volume > low + _TISSUE_FRACTION * (high - low)) & ~background_of(volume)
    return tissue if brain is None else tissue | brain


def window(volume: Volume, brain: Mask | None = None, tumor: Mask | None = None) -> tuple[float, float]:
    """Return the grey values drawn black and white: percentiles inside the brain, whatever the background is.

    Without a brain, or with an empty one, percentiles of all that is no background; 0 and 1 for an image without any.
    ``tumor`` raises white, so that enhancing tumour keeps its shades.

    >>> volume = np.array([-9.0, -1.0, 0.0, 1.0, 5.0])
    >>> low, high = window(volume, brain=volume > -9)
    >>> round(low, 2), round(high, 2)
    (-0.97, 4.94)
    """
    within = brain if brain is not None and brain.any() else ~background_of(volume)
    inside = volume[within & np.isfinite(volume)]
    if not inside.size:
        return 0.0, 1.0
    low, high = np.percentile(inside, WINDOW_PERCENT)
    if tumor is not None and tumor.any():
        high = max(high, np.percentile(volume[tumor], BRIGHT_PERCENT))
    return float(low), float(max(high, low + np.finfo(np.float32).eps * max(1.0, abs(low))))
