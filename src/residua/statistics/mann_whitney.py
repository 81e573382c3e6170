"""Mann-Whitney U test, two-sided: whether values of one sample tend to be larger than those of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


@dataclass(frozen=True)
class Comparison:
    """Two samples of ``n_1`` and ``n_2`` defined values, and the test's answer.

    What cannot be computed is None, with the reason in ``note``: a median of nothing, a test without two samples.
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
    """Compare two samples; U counts the pairs in which the first is larger, a tie as one half.

    NaN values are undefined cases: left out and counted in ``note``. p is exact for samples of which one has at most
    8 values and none is tied, else from the normal approximation with the corrections for ties and continuity
    (``scipy.stats.mannwhitneyu``). ``significant`` is p < ``alpha``.
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
