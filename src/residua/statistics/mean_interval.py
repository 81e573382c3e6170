"""Compute a BCa bootstrap interval (Efron 1987) of the mean of a measure over patients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from residua.statistics.bootstrap import Persons, bca_of_means
from residua.statistics.interval import Interval


def mean_interval(values: ArrayLike, alpha: float, resamples: int, seed: int, persons: Persons = None) -> Interval:
    """Compute the mean of values that are defined, and its interval at level 1 − ``alpha``, in their own unit.

    NaN values are undefined and counted. ``persons`` are resampled as a whole. There is no interval for fewer than two
    values, or for equal ones.

    >>> found = mean_interval([0.4, 0.6, 0.8, float("nan")], alpha=0.05, resamples=1000, seed=0)
    >>> round(found.estimate, 3), found.n, found.undefined, found.low < 0.6 < found.high
    (0.6, 3, 1, True)
    """
    every = np.asarray(values, dtype=np.float64)
    defined = every[~np.isnan(every)]
    undefined = every.size - defined.size
    if not defined.size:
        return Interval(None, None, None, 0, undefined, "not estimable: no patient")
    estimate = float(defined.mean())
    if defined.size < 2 or not np.ptp(defined):
        why = "one patient only" if defined.size < 2 else "the same for all patients"
        return Interval(estimate, None, None, defined.size, undefined, f"no interval: {why}")
    whose = None if persons is None else persons[~np.isnan(every)]
    if whose is not None and np.unique(whose).size < 2:
        return Interval(estimate, None, None, defined.size, undefined, "no interval: one person only")
    low, high = bca_of_means([defined], alpha, resamples, seed, None if whose is None else [whose])
    if not np.isfinite([low, high]).all():
        return Interval(estimate, None, None, defined.size, undefined, "no interval: the resamples are too alike")
    return Interval(estimate, low, high, defined.size, undefined)
