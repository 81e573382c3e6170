"""Test whether any of several models ranks differently on the same patients (Friedman 1937)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

_FEWEST = 3


@dataclass(frozen=True)
class RankedAlike:
    """Numbers of patients and models, chi-squared with its degrees of freedom, Kendall's W and p.

    W is 0 if the patients do not agree on any order of the models, 1 if all have the same. A number that cannot be
    estimated is None, and ``note`` gives the reason.
    """

    n: int
    models: int
    chi_squared: float | None
    freedom: int | None
    kendalls_w: float | None
    p_value: float | None
    note: str = ""


def friedman(values: ArrayLike) -> RankedAlike:
    """Test ``values``, a row per patient and a column per model, by the chi-squared form corrected for ties.

    >>> found = friedman([[0.9, 0.5, 0.1], [0.8, 0.6, 0.2], [0.7, 0.1, 0.3], [0.9, 0.8, 0.3]])
    >>> found.chi_squared, found.freedom, found.kendalls_w, round(found.p_value, 4)
    (6.5, 2, 0.8125, 0.0388)
    """
    table = np.asarray(values, dtype=np.float64)
    n, models = table.shape
    why = _why_not(table)
    if why:
        return RankedAlike(n, models, None, None, None, None, f"not estimable: {why}")
    found = stats.friedmanchisquare(*table.T)
    chi_squared = float(found.statistic)
    return RankedAlike(n, models, chi_squared, models - 1, chi_squared / (n * (models - 1)), float(found.pvalue))


def _why_not(table: np.ndarray) -> str:
    n, models = table.shape
    if models < _FEWEST:
        return "two models only, which the test of their pair compares"
    if n < 2:
        return "one patient only" if n else "no patient has all of them"
    return "" if np.ptp(table, axis=1).any() else "no patient tells the models apart"
