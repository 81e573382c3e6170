"""Find values far from the others, by a rule that outliers do not bend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FAR = 3.5
"""|robust z| beyond this is an outlier (Iglewicz & Hoaglin 1993)."""

FEWEST = 10
"""With fewer patients, median and spread are too uncertain to call a value an outlier."""

_MAD_OF_NORMAL = 0.6745
"""Median absolute deviation of a standard normal distribution."""


def robust_z(values: NDArray[np.float64], smallest: float) -> NDArray[np.float64]:
    """Compute modified z-scores (n): 0.6745 (value - median) / MAD (Iglewicz & Hoaglin 1993).

    MAD / 0.6745 estimates the standard deviation. ``smallest``, the smallest difference that matters, replaces a
    smaller estimate: equal values have a MAD of 0, and an invisible difference makes no outlier. Fewer
    than ``FEWEST`` values give NaN.
    """
    if values.size < FEWEST:
        return np.full(values.shape, np.nan)
    deviation = values - np.median(values)
    spread = float(np.median(np.abs(deviation))) / _MAD_OF_NORMAL
    return np.asarray(deviation / max(spread, smallest))
