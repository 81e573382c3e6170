"""Compute the smallest paired difference that a set of patients could have shown."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from residua.statistics.bootstrap import Persons

POWER = 0.8
_NO_VARIANCE = 1e-12
"""Of the variance of two classes: as much remains by rounding where they cancel."""


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


def detectable_of_classes(
    differences: ArrayLike, classes: ArrayLike, alpha: float, persons: Persons = None
) -> tuple[float | None, str]:
    """Return the same of the mean of the means of both ``classes``, such as a difference of balanced accuracy.

    It is (z of 1 − alpha / 2 + z of 0.8) · √(Σ sd² / n over the classes) / 2, from the normal distribution. With
    ``persons``, each of whom has one value of a class, twice the covariance of the two means is added to Σ sd² / n.

    >>> found, _ = detectable_of_classes([1, 0, 0, 1, 0, -1], [True, True, True, True, False, False], alpha=0.05)
    >>> round(found, 3)
    0.809
    """
    of, groups = np.asarray(differences, dtype=np.float64), np.asarray(classes, dtype=bool)
    parts = [of[groups], of[~groups]]
    if any(part.size < 2 for part in parts):
        return None, "not estimable: fewer than two patients of a class"
    variance = sum(float(part.var(ddof=1)) / part.size for part in parts)
    if not variance:
        return None, "not estimable: all differences of a class are the same"
    both = 0.0 if persons is None else 2 * _covariance(of, groups, persons)
    if variance + both < _NO_VARIANCE * variance:
        return None, "not estimable: the differences of both classes cancel in every person"
    z = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(POWER))
    return z * float(np.sqrt(variance + both)) / 2, ""


def _covariance(of: NDArray[np.float64], groups: NDArray[np.bool_], persons: NDArray[np.str_]) -> float:
    """Return the covariance of the means of both classes, from persons who have a value of each (Obuchowski 1997)."""
    names, whose = np.unique(persons, return_inverse=True)
    away = [np.bincount(whose[own], of[own] - of[own].mean(), names.size) for own in (groups, ~groups)]
    number = int(groups.sum()) * int((~groups).sum())
    return float(away[0] @ away[1]) * names.size / (names.size - 1) / number


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
