"""Compute a bias-corrected and accelerated (BCa) bootstrap interval of means (Efron 1987)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Persons = NDArray[np.str_] | None
"""The person of each value, where some persons have several; None: every value is of another person."""


def bca_of_means(
    samples: Sequence[NDArray[np.float64]],
    alpha: float,
    resamples: int,
    seed: int,
    persons: Sequence[NDArray[np.str_]] | None = None,
) -> tuple[float, float]:
    """Return the interval at level 1 − ``alpha`` of the mean of the samples' means, each sample resampled by itself.

    ``persons`` names the person of each value: whole persons are drawn then, because values of one person are alike
    (cluster bootstrap: Field and Welsh, J R Stat Soc B 2007). The same seed draws the same members. Both ends are NaN
    where the resamples are too alike.

    >>> low, high = bca_of_means([np.array([0.4, 0.6, 0.8])], alpha=0.05, resamples=1000, seed=0)
    >>> low < 0.6 < high
    True
    """

    def mean(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return np.asarray(sum(each.mean(axis=axis) for each in drawn) / len(drawn))

    if persons is not None:
        return _interval(*_of_persons(samples, persons), alpha, resamples, seed)
    return _interval(list(samples), mean, alpha, resamples, seed)


def _of_persons(samples: Sequence[NDArray[np.float64]], persons: Sequence[NDArray[np.str_]]) -> tuple[list[Any], Any]:
    """Return the numbers of the persons of each sample, which are drawn, and the mean over what the drawn ones have."""
    sums, sizes = [], []
    for values, names in zip(samples, persons, strict=True):
        _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
        # In the order of the values, so that persons of one scan each are drawn as their values are.
        person = np.argsort(np.argsort(first))[inverse]
        sums.append(np.bincount(person, values))
        sizes.append(np.bincount(person))

    def mean(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        numbers = [each.astype(np.intp) for each in drawn]
        means = [s[n].sum(axis=axis) / k[n].sum(axis=axis) for n, s, k in zip(numbers, sums, sizes, strict=True)]
        return np.asarray(sum(means) / len(means))

    return [np.arange(each.size, dtype=np.float64) for each in sums], mean


def _interval(
    samples: Sequence[NDArray[np.float64]], mean: Any, alpha: float, resamples: int, seed: int
) -> tuple[float, float]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # The caller reports it in words.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        found = stats.bootstrap(
            list(samples),
            mean,
            n_resamples=resamples,
            confidence_level=1 - alpha,
            method="BCa",
            vectorized=True,
            rng=np.random.default_rng(seed),
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
