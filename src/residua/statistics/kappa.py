"""Compute Cohen's weighted kappa with quadratic weights, and its bootstrap interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from residua.statistics.interval import Interval, all_alike

_AT_ONCE = 500
"""Resamples in memory."""


def weighted_kappa(first: ArrayLike, second: ArrayLike, alpha: float, resamples: int, seed: int) -> Interval:
    """Compute the agreement of two ratings of the same patients, each the rank of an ordered class.

    Disagreement counts by the square of the classes between the two ratings. 1 is full agreement, 0 that of chance. The
    interval at level 1 − ``alpha`` is a percentile bootstrap over patients. There is no kappa when both ratings give
    every patient the same class, and none of such a resample.

    >>> found = weighted_kappa([0, 0, 1, 2, 3, 3] * 3, [0, 1, 1, 2, 2, 3] * 3, alpha=0.05, resamples=500, seed=0)
    >>> round(found.estimate, 3), found.low < found.estimate < found.high <= 1
    (0.867, True)
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    patients = one.size
    estimate = float(_kappa(one, other)) if patients else np.nan
    if np.isnan(estimate):
        why = "both give all patients one class" if patients else "no patient"
        return Interval(None, None, None, 0, patients, f"not estimable: {why}")
    if np.array_equal(one, other):
        return Interval(estimate, None, None, patients, 0, "no interval: both agree in every patient")
    drawn = _resampled(one, other, resamples, np.random.default_rng(seed))
    defined = drawn[~np.isnan(drawn)]
    if not defined.size:
        return Interval(estimate, None, None, patients, 0, "no interval: no resample has two classes")
    if all_alike(defined):
        return Interval(estimate, None, None, patients, 0, "no interval: all resamples give the same")
    low, high = np.quantile(defined, [alpha / 2, 1 - alpha / 2])
    lacking = drawn.size - defined.size
    note = f"{lacking} of {drawn.size} resamples have one class only, left out" if lacking else ""
    return Interval(estimate, float(low), float(high), patients, 0, note)


def _resampled(
    one: NDArray[np.float64], other: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    found = []
    for begun in range(0, resamples, _AT_ONCE):
        rows = rng.integers(0, one.size, (min(_AT_ONCE, resamples - begun), one.size))
        found.append(_kappa(one[rows], other[rows]))
    return np.concatenate(found)


def _kappa(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 − observed / expected squared distance along the last axis; NaN where none is expected."""
    apart = one.mean(axis=-1) - other.mean(axis=-1)
    expected = np.asarray(one.var(axis=-1) + other.var(axis=-1) + apart**2)
    observed = np.square(one - other).mean(axis=-1)
    share = np.divide(observed, expected, out=np.full(expected.shape, np.nan), where=expected > 0)
    return np.asarray(1 - share)
