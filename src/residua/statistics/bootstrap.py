"""Compute a bias-corrected and accelerated (BCa) bootstrap interval of means (Efron 1987)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from residua.statistics.interval import all_alike

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
    where the resamples are too alike, or differ by rounding alone.

    >>> low, high = bca_of_means([np.array([0.4, 0.6, 0.8])], alpha=0.05, resamples=1000, seed=0)
    >>> low < 0.6 < high
    True
    """

    def mean(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return np.asarray(sum(each.mean(axis=axis) for each in drawn) / len(drawn))

    if persons is not None:
        return _limits(_bootstrap(*_of_persons(samples, persons), alpha, resamples, seed, method="BCa"))
    return _limits(_bootstrap(samples, mean, alpha, resamples, seed, method="BCa"))


def bca_over_classes(
    samples: Sequence[NDArray[np.float64]], persons: Sequence[NDArray[np.str_]], alpha: float, resamples: int, seed: int
) -> tuple[float, float, int]:
    """Return the same where persons have values in several samples: each is drawn once, with all that the person has.

    Third is the number of resamples that lack a sample, which are left out. Every sample needs two persons.

    >>> samples = [np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0])]
    >>> whose = [np.array(["P1", "P2", "P3"]), np.array(["P1", "P2"])]
    >>> low, high, lacking = bca_over_classes(samples, whose, alpha=0.05, resamples=1000, seed=0)
    >>> low < 0.58 < high, 0 < lacking < 100
    (True, True)
    """
    every, inverse = np.unique(np.concatenate(persons), return_inverse=True)
    numbers = np.split(inverse, np.cumsum([each.size for each in samples])[:-1])
    sums = [np.bincount(n, values, every.size) for n, values in zip(numbers, samples, strict=True)]
    sizes = [np.bincount(n, minlength=every.size) for n in numbers]
    of_each = _mean_over(sums, sizes)

    def mean(drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        return np.asarray(of_each(*[drawn] * len(samples), axis=axis))

    of = [np.arange(every.size, dtype=np.float64)]
    drawn = _bootstrap(of, mean, alpha, resamples, seed, method="percentile")
    defined = drawn.bootstrap_distribution[~np.isnan(drawn.bootstrap_distribution)]
    if not defined.size:
        return float("nan"), float("nan"), resamples
    drawn.bootstrap_distribution = defined
    found = _bootstrap(of, mean, alpha, 0, seed, method="BCa", bootstrap_result=drawn)
    return *_limits(found), resamples - defined.size


def _of_persons(samples: Sequence[NDArray[np.float64]], persons: Sequence[NDArray[np.str_]]) -> tuple[list[Any], Any]:
    """Return the numbers of the persons of each sample, which are drawn, and the mean over what the drawn ones have."""
    sums, sizes = [], []
    for values, names in zip(samples, persons, strict=True):
        _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
        # In the order of the values, so that persons of one scan each are drawn as their values are.
        person = np.argsort(np.argsort(first))[inverse]
        sums.append(np.bincount(person, values))
        sizes.append(np.bincount(person))
    return [np.arange(each.size, dtype=np.float64) for each in sums], _mean_over(sums, sizes)


def _mean_over(sums: Sequence[NDArray[Any]], sizes: Sequence[NDArray[np.intp]]) -> Any:
    """Return the function that gives the mean of the samples' means of drawn persons, from what each person has."""

    def mean(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        numbers = [each.astype(np.intp) for each in drawn]
        means = [s[n].sum(axis=axis) / k[n].sum(axis=axis) for n, s, k in zip(numbers, sums, sizes, strict=True)]
        return np.asarray(sum(means) / len(means))

    return mean


def _bootstrap(
    samples: Sequence[NDArray[np.float64]], mean: Any, alpha: float, resamples: int, seed: int, **how: Any
) -> Any:
    def rounded(*drawn: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        # Sums of one value that differ in their last digit are ties of the bias correction.
        return np.asarray(np.round(mean(*drawn, axis=axis), 12))

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # The caller reports it in words.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        return stats.bootstrap(
            list(samples),
            rounded,
            n_resamples=resamples,
            confidence_level=1 - alpha,
            vectorized=True,
            rng=np.random.default_rng(seed),
            **how,
        )


def _limits(found: Any) -> tuple[float, float]:
    if all_alike(found.bootstrap_distribution):
        return float("nan"), float("nan")
    return float(found.confidence_interval.low), float(found.confidence_interval.high)
