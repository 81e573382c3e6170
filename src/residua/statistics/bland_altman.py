"""Compute bias and limits of agreement of two measurements of the same patients (Bland and Altman 1999)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from residua.statistics.interval import Interval


@dataclass(frozen=True)
class Agreement:
    """Mean difference, and the limits within which 1 − alpha of the differences are expected, with intervals."""

    bias: Interval
    lower: Interval
    upper: Interval


def bland_altman(measured: ArrayLike, reference: ArrayLike, alpha: float) -> Agreement:
    """Compare ``measured`` with ``reference``, patient by patient, in the unit of both.

    Limits of agreement: mean ± z · sd of the differences, taken as normal. Intervals at level 1 − ``alpha``: Student's
    t, with the variance of a limit sd² · (1/n + z² / (2 (n − 1))).

    >>> found = bland_altman([1.0, 2.0, 3.0, 6.0], [1.0, 1.0, 1.0, 1.0], alpha=0.05)
    >>> found.bias.estimate, round(found.lower.estimate, 2), round(found.upper.estimate, 2)
    (2.0, -2.23, 6.23)
    """
    differences = np.asarray(measured, dtype=np.float64) - np.asarray(reference, dtype=np.float64)
    n = differences.size
    if not n:
        nothing = Interval(None, None, None, 0, 0, "not estimable: no patient")
        return Agreement(nothing, nothing, nothing)
    bias = float(differences.mean())
    if n < 2:
        nothing = Interval(None, None, None, n, 0, "not estimable: one patient only")
        return Agreement(Interval(bias, None, None, n, 0, "no interval: one patient only"), nothing, nothing)
    if not np.ptp(differences):
        alone = Interval(bias, None, None, n, 0, "no interval: the same for all patients")
        return Agreement(alone, alone, alone)
    sd, z = float(differences.std(ddof=1)), float(stats.norm.ppf(1 - alpha / 2))
    t = float(stats.t.ppf(1 - alpha / 2, n - 1))
    error, of_limit = sd / np.sqrt(n), sd * np.sqrt(1 / n + z**2 / (2 * (n - 1)))
    return Agreement(
        _around(bias, t * error, n), _around(bias - z * sd, t * of_limit, n), _around(bias + z * sd, t * of_limit, n)
    )


def _around(estimate: float, half: float, n: int) -> Interval:
    return Interval(estimate, float(estimate - half), float(estimate + half), n, 0)
