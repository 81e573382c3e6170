"""Hold a confidence interval, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval, those of rates in percent, from ``n`` patients without the ``undefined`` ones.

    A number that cannot be estimated is None, and ``note`` gives the reason.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    undefined: int
    note: str = ""


def all_alike(estimates: NDArray[np.float64]) -> bool:
    """Return whether estimates of resamples, at most of the size of 1, differ by rounding alone.

    >>> all_alike(np.array([0.0, -2e-16, 1e-16])), all_alike(np.array([0.0, 0.01]))
    (True, False)
    """
    return bool(np.ptp(estimates) < _ROUNDING)
