"""Test whether values of one sample tend to be larger than those of another (Mann-Whitney U, two-sided)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


@dataclass(frozen=True)
class Comparison:
    """Numbers of defined values in two samples, ``n_1`` and ``n_2``, and the result of the test.

    A number that cannot be computed is None, and ``note`` gives the reason: an empty sample has no median and no test.
    """

    n_1: int
    n_2: int
    median_1: float | None
    median_2: float | None
    u_statistic: float | None
    p_value: float | None
    significant: bool | None
    note: str = ""


def mann_whitney(first: ArrayLike, second: ArrayLike, alpha: float) -> Comparison:
    """Compare two samples; U counts the pairs in which the first is larger, and a tie as one half.

    NaN values are undefined cases, which are excluded and counted in ``note``. p is exact if one sample has at most 8
    values and none is tied, otherwise from the normal approximation with corrections for ties and continuity
    (``scipy.stats.mannwhitneyu``). ``significant`` is p < ``alpha``.

    >>> found = mann_whitney([3.0, 4.0], [1.0, 3.0], alpha=0.05)
    >>> found.u_statistic, found.median_1, found.significant
    (3.5, 3.5, False)
    """
    one, other = _defined(first), _defined(second)
    left_out = np.size(first) - one.size + np.size(second) - other.size
    notes = [f"{left_out} undefined left out"] if left_out else []
    u_statistic = p_value = None
    if not (one.size and other.size):
        notes.append("no test: a sample without values")
    elif np.ptp(np.concatenate([one, other])) == 0:
        # Every pair is a tie: U is its mean, and its variance, by which the approximation divides, is 0.
        u_statistic, p_value = one.size * other.size / 2, 1.0
        notes.append("all values equal")
    else:
        found = stats.mannwhitneyu(one, other, alternative="two-sided", method="auto")
        u_statistic, p_value = float(found.statistic), float(found.pvalue)
    return Comparison(
        n_1=one.size,
        n_2=other.size,
        median_1=_median(one),
        median_2=_median(other),
        u_statistic=u_statistic,
        p_value=p_value,
        significant=None if p_value is None else p_value < alpha,
        note="; ".join(notes),
    )


def _defined(values: ArrayLike) -> NDArray[np.float64]:
    every = np.asarray(values, dtype=np.float64)
    return every[~np.isnan(every)]


def _median(values: NDArray[np.float64]) -> float | None:
    return float(np.median(values)) if values.size else None
