"""Compute areas under the ROC curve of scores of the same patients, with their covariance (DeLong et al. 1988).

Several scans of one person are one cluster of the variance (Obuchowski 1997); without them it is DeLong's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from residua.statistics.bootstrap import Persons
from residua.statistics.interval import Interval

_NO_VARIANCE = 1e-14
_ALIKE = "every patient compares alike with those of the other class"
_CLASSES = ("with residual tumour", "with gross total resection")


@dataclass(frozen=True)
class AreaDifference:
    """Area of the first score minus that of the second, with its interval and p (normal, two-sided)."""

    difference: Interval
    p_value: float | None


def auroc(score: ArrayLike, positive: ArrayLike, alpha: float, persons: Persons = None) -> Interval:
    """Return the area, from 0 to 1, and its normal interval at level 1 − ``alpha``, cut at 0 and 1.

    The area is the probability that a positive patient scores higher than a negative one; a tie counts one half.

    >>> found = auroc([0.1, 0.4, 0.35, 0.8], [False, False, True, True], alpha=0.05)
    >>> found.estimate, round(found.low, 4), found.high
    (0.75, 0.057, 1.0)
    """
    is_positive = np.asarray(positive, dtype=bool)
    if why := _absent(is_positive):
        return Interval(None, None, None, is_positive.size, 0, f"not estimable: {why}")
    (area,), covariance = _areas(np.atleast_2d(np.asarray(score, dtype=np.float64)), is_positive, persons)
    why = _alone(is_positive, persons) or ("" if covariance[0, 0] > _NO_VARIANCE else _ALIKE)
    if why:
        return Interval(float(area), None, None, is_positive.size, 0, f"no interval: {why}")
    half = stats.norm.ppf(1 - alpha / 2) * np.sqrt(covariance[0, 0])
    low, high = max(0.0, float(area - half)), min(1.0, float(area + half))
    return Interval(float(area), low, high, is_positive.size, 0)


def auroc_difference(
    first: ArrayLike, second: ArrayLike, positive: ArrayLike, alpha: float, persons: Persons = None
) -> AreaDifference:
    """Compare two scores of the same patients by the covariance of their areas.

    >>> found = auroc_difference([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], [False, False, True, True], alpha=0.05)
    >>> found.difference.estimate, round(found.p_value, 4)
    (0.25, 0.4795)
    """
    is_positive = np.asarray(positive, dtype=bool)
    if why := _absent(is_positive):
        return AreaDifference(Interval(None, None, None, is_positive.size, 0, f"not estimable: {why}"), None)
    scores = np.array([first, second], dtype=np.float64)
    areas, covariance = _areas(scores, is_positive, persons)
    difference = float(areas[0] - areas[1])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    why = _alone(is_positive, persons) or ("" if variance > _NO_VARIANCE else "both scores order the patients alike")
    if why:
        return AreaDifference(Interval(difference, None, None, is_positive.size, 0, f"no interval: {why}"), None)
    error = float(np.sqrt(variance))
    half = float(stats.norm.ppf(1 - alpha / 2)) * error
    found = Interval(difference, difference - half, difference + half, is_positive.size, 0)
    return AreaDifference(found, float(2 * stats.norm.sf(abs(difference) / error)))


def _absent(positive: NDArray[np.bool_]) -> str:
    sizes = (np.count_nonzero(positive), np.count_nonzero(~positive))
    return "; ".join(f"no patient {name}" for name, size in zip(_CLASSES, sizes, strict=True) if not size)


def _alone(positive: NDArray[np.bool_], persons: Persons) -> str:
    whose = np.arange(positive.size) if persons is None else persons
    sizes = (np.unique(whose[positive]).size, np.unique(whose[~positive]).size)
    who = "patient" if persons is None else "person"
    return "; ".join(f"one {who} only {name}" for name, size in zip(_CLASSES, sizes, strict=True) if size < 2)


def _areas(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], persons: Persons
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the area of each row of ``scores`` and their covariance, from midranks (Sun and Xu 2014)."""
    ones, others = scores[:, positive], scores[:, ~positive]
    m, n = ones.shape[1], others.shape[1]
    ranks = stats.rankdata(scores, axis=1)
    # The share of the other class that each patient lies above, or below.
    above = (ranks[:, positive] - stats.rankdata(ones, axis=1)) / n
    below = 1 - (ranks[:, ~positive] - stats.rankdata(others, axis=1)) / m
    areas = above.mean(axis=1)
    whose = np.arange(positive.size) if persons is None else np.unique(persons, return_inverse=True)[1]
    over, under = (
        np.array([np.bincount(whose[of], row, whose.max() + 1) for row in each - areas[:, None]])
        for of, each in ((positive, above), (~positive, below))
    )
    with_ones, with_others, every = (np.unique(whose[of]).size for of in (positive, ~positive, positive | True))
    both = over @ under.T * _unbiased(every) / (m * n)
    spread = over @ over.T * _unbiased(with_ones) / m**2 + under @ under.T * _unbiased(with_others) / n**2
    return areas, spread + both + both.T


def _unbiased(clusters: int) -> float:
    return clusters / (clusters - 1) if clusters > 1 else 0.0
