"""Compute the smallest paired difference that a set of patients could have shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

POWER = 0.8


def detectable(differences: ArrayLike, alpha: float) -> tuple[float | None, str]:
    """Return the mean difference, in the unit of ``differences``, that is found with ``POWER``; the reason if none.

    It is λ · sd / √n, where sd is that of the differences, and λ the noncentrality with which a two-sided paired t
    test of n − 1 degrees of freedom at level ``alpha`` has the power: P(|t′| > t of 1 − alpha / 2) = 0.8. For many
    patients λ is about 2.8. The difference that was found plays no part.

    >>> found, _ = detectable([0.1, -0.1, 0.2, -0.2, 0.1, -0.1, 0.2, -0.2], alpha=0.05)
    >>> round(found, 3), detectable([0.1], alpha=0.05)
    (0.195, (None, 'not estimable: one patient only'))
    """
    of = np.asarray(differences, dtype=np.float64)
    n = of.size
    if n < 2:
        return None, f"not estimable: {'one patient only' if n else 'no patient'}"
    if not np.ptp(of):
        return None, "not estimable: all differences are the same"
    return _noncentrality(n - 1, alpha) * float(of.std(ddof=1)) / float(np.sqrt(n)), ""


def _noncentrality(freedom: int, alpha: float) -> float:
    critical = float(stats.t.ppf(1 - alpha / 2, freedom))

    def lacking(noncentrality: float) -> float:
        above = stats.nct.sf(critical, freedom, noncentrality)
        # SciPy may give NaN where this tail is below 1e-6.
        below = np.nan_to_num(stats.nct.cdf(-critical, freedom, noncentrality))
        return float(above + below) - POWER

    high = 1.0
    while lacking(high) < 0:
        high *= 2
    return float(optimize.brentq(lacking, 0.0, high, xtol=1e-10))
