"""Summarise the results of several hospitals by a random-effects meta-analysis.

The variance between hospitals is DerSimonian and Laird's (1986). The interval is Hartung and Knapp's (2001), which with
few hospitals keeps its level where the normal one is too narrow. Where hospitals agree better than their own variances
let expect, these give its variance (Roever, Knapp and Friede 2015): otherwise three hospitals with almost the same mean
would leave no uncertainty at all. The prediction interval, for another hospital, is that of Higgins, Thompson and
Spiegelhalter (2009).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class RandomEffects:
    """The mean over hospitals with both intervals, and how far hospitals differ beyond chance.

    ``q`` is Cochran's, with its ``p_value``; ``i_squared`` (percent) is the share of the variance that is between
    hospitals, ``tau`` its standard deviation. A number that cannot be estimated is None, and ``note`` gives the reason.
    """

    hospitals: int
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    tau: float | None = None
    q: float | None = None
    freedom: int | None = None
    p_value: float | None = None
    i_squared: float | None = None
    note: str = ""


def random_effects(means: ArrayLike, variances: ArrayLike, alpha: float) -> RandomEffects:
    """Summarise the mean of each hospital and the variance of that mean, which is above 0, at level 1 − ``alpha``.

    >>> found = random_effects([0.5, 0.6, 0.8], [0.001, 0.002, 0.001], alpha=0.05)
    >>> round(found.estimate, 4), round(found.q, 1), round(found.i_squared, 1)
    (0.6337, 46.0, 95.7)
    """
    each, v = np.asarray(means, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    k = each.size
    if k < 2:
        return RandomEffects(k, note=f"not estimable: {'one hospital only' if k else 'no hospital'}")
    w = 1 / v
    fixed = float((w * each).sum() / w.sum())
    q = float((w * (each - fixed) ** 2).sum())
    tau2 = max(0.0, (q - (k - 1)) / float(w.sum() - (w**2).sum() / w.sum()))
    w = 1 / (v + tau2)
    mean = float((w * each).sum() / w.sum())
    known = 1 / float(w.sum())
    variance = known * max(1.0, float((w * (each - mean) ** 2).sum()) / (k - 1))
    half = float(stats.t.ppf(1 - alpha / 2, k - 1)) * variance**0.5
    found = {"estimate": mean, "low": mean - half, "high": mean + half, "tau": tau2**0.5, "q": q}
    found |= {"p_value": float(stats.chi2.sf(q, k - 1)), "i_squared": 100 * max(0.0, (q - (k - 1)) / q) if q else 0.0}
    if k < 3:
        return RandomEffects(k, **found, freedom=k - 1, note="no prediction interval: two hospitals only")
    wide = float(stats.t.ppf(1 - alpha / 2, k - 2)) * (tau2 + known) ** 0.5
    return RandomEffects(k, **found, freedom=k - 1, prediction_low=mean - wide, prediction_high=mean + wide)
