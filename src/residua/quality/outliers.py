"""Who is far from the others, by a rule that those who are far cannot bend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FAR = 3.5
"""|robust z| beyond this is an outlier (Iglewicz & Hoaglin 1993)."""

FEWEST = 10
"""Of fewer patients neither median nor spread is known well enough to call anybody an outlier."""

_MAD_OF_NORMAL = 0.6745
"""Median absolute deviation of a standard normal distribution."""


def robust_z(values: NDArray[np.float64], smallest: float) -> NDArray[np.float64]:
    """Modified z-scores (n): 0.6745 (value - median) / MAD (Iglewicz & Hoaglin 1993); NaN for fewer than ``FEWEST``.

    MAD / 0.6745 estimates the standard deviation. Where it is smaller than ``smallest``, the difference that matters,
    that takes its place: equal values have no MAD, and nobody is an outlier by a difference that nobody would see.
    """
    if values.size < FEWEST:
        return np.full(values.shape, np.nan)
    deviation = values - np.median(values)
    spread = float(np.median(np.abs(deviation))) / _MAD_OF_NORMAL
    return np.asarray(deviation / max(spread, smallest))
