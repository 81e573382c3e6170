"""Compute how often a value of one sample is larger than one of another (Cliff 1993)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def cliffs_delta(first: ArrayLike, second: ArrayLike) -> float | None:
    """Return P(first > second) − P(first < second) over all pairs of a value of each; None for fewer than two values.

    1: every value of the first is larger; 0: neither tends to be; −1: every one is smaller. It does not know which
    values are of one patient: the rank-biserial correlation of ``signed_rank`` does.

    >>> cliffs_delta([3.0, 4.0], [1.0, 3.0]), cliffs_delta([2.0], [1.0])
    (0.75, None)
    """
    one, other = np.asarray(first, dtype=np.float64), np.sort(np.asarray(second, dtype=np.float64))
    if min(one.size, other.size) < 2:
        return None
    smaller = np.searchsorted(other, one, side="left").sum()
    larger = other.size * one.size - np.searchsorted(other, one, side="right").sum()
    return float((smaller - larger) / (one.size * other.size))
