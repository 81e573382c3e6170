"""Compute a bias-corrected and accelerated (BCa) bootstrap interval of means (Efron 1987)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats


def bca_of_means(
    samples: Sequence[NDArray[np.float64]], alpha: float, resamples: int, seed: int
) -> tuple[float, float]:
    """Return the interval at level 1 − ``alpha`` of the mean of the samples' means, each sample resampled by itself.

    The same seed draws the same members. Both ends are NaN where the resamples are too alike.

    >>> low, high = bca_of_means([np.array([0.4, 0.6, 0.8])], alpha=0.05, resamples=1000, seed=0)
    >>> low < 0.6 < high
    True
    """

    def mean(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return np.asarray(sum(each.mean(axis=axis) for each in drawn) / len(drawn))

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
