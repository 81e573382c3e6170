"""Compute bootstrap intervals for patients who come in clusters: of one hospital, or of one person.

Patients of one cluster are alike, so that fewer of them are independent than there are. Clusters are drawn with
replacement, then patients within each drawn cluster (Davison and Hinkley 1997, section 3.8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from residua.statistics.interval import Interval, all_alike

_AT_ONCE = 1000
"""Resamples in memory."""


def cluster_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    what: str,
    alpha: float,
    resamples: int,
    seed: int,
    classes: ArrayLike | None = None,
) -> Interval:
    """Return the mean of ``values`` and its percentile interval at level 1 − ``alpha``.

    ``what`` names a cluster. With ``classes``, one of each value, it is the mean of the means of the classes; a
    resample without one of them is left out and counted in ``note``.

    >>> values, hospitals = [0.4, 0.5, 0.6, 0.8, 0.9], ["STO", "STO", "GOT", "GOT", "PAR"]
    >>> found = cluster_interval(values, hospitals, "hospital", alpha=0.05, resamples=1000, seed=0)
    >>> round(found.estimate, 2), found.low < 0.64 < found.high
    (0.64, True)
    """
    each, names = np.asarray(values, dtype=np.float64), np.asarray(clusters)
    groups = np.unique(np.zeros(each.size) if classes is None else np.asarray(classes), return_inverse=True)[1]
    if not each.size:
        return Interval(None, None, None, 0, 0, "not estimable: no patient")
    estimate = float(_estimate(np.ones((1, each.size)), each, groups)[0])
    number = np.unique(names).size
    if number < 2:
        return Interval(estimate, None, None, each.size, 0, f"not estimable: one {what} only")
    drawn = np.concatenate(
        [_estimate(weights, each, groups) for weights in _weights(names, resamples, np.random.default_rng(seed))]
    )
    defined = drawn[~np.isnan(drawn)]
    if not defined.size or all_alike(defined):
        return Interval(estimate, None, None, each.size, 0, "not estimable: all resamples give the same")
    low, high = np.quantile(defined, [alpha / 2, 1 - alpha / 2])
    lacking = drawn.size - defined.size
    note = f"resamples without one of the classes left out: {lacking} of {drawn.size}" if lacking else ""
    return Interval(estimate, float(low), float(high), each.size, 0, note)


def _weights(names: NDArray[Any], resamples: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Yield how often each patient is in each resample (resamples, patients)."""
    members = [np.flatnonzero(names == name) for name in np.unique(names)]
    for begun in range(0, resamples, _AT_ONCE):
        size = min(_AT_ONCE, resamples - begun)
        times = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size)
        weights = np.zeros((size, names.size))
        for own, often in zip(members, times.T, strict=True):
            weights[:, own] = rng.multinomial(often * own.size, np.full(own.size, 1 / own.size))
        yield weights


def _estimate(
    weights: NDArray[np.float64], values: NDArray[np.float64], groups: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the mean over the groups of their weighted means, of each row of weights; NaN without one of them."""
    means = []
    for group in range(groups.max() + 1):
        own = weights[:, groups == group]
        total = own.sum(axis=1)
        summed = own @ values[groups == group]
        means.append(np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0))
    return np.asarray(np.mean(means, axis=0))
