"""Test whether the mean of paired differences lies within a margin: two one-sided t tests (TOST: Schuirmann 1987)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class Equivalence:
    """Mean difference of ``n`` patients with its interval at level 1 − 2 alpha, the larger p of both tests, the answer.

    A number that cannot be estimated is None, and ``note`` gives the reason.
    """

    n: int
    mean_difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    equivalent: bool | None
    note: str = ""


def equivalence(differences: ArrayLike, margin: float, alpha: float) -> Equivalence:
    """Test the differences of pairs against −``margin`` and against ``margin``, in their unit.

    ``equivalent`` is p < ``alpha``: both one-sided tests reject, and the interval lies within the margins. False is no
    proof of a difference.

    >>> found = equivalence([0.01, -0.02, 0.02, 0.0, 0.01, -0.01], margin=0.05, alpha=0.05)
    >>> round(found.mean_difference, 4), found.equivalent, -0.05 < found.low < found.high < 0.05
    (0.0017, True, True)
    """
    of = np.asarray(differences, dtype=np.float64)
    n = of.size
    if n < 2:
        why = "one patient only" if n else "no patient"
        return Equivalence(n, float(of.mean()) if n else None, None, None, None, None, f"not estimable: {why}")
    mean, error = float(of.mean()), float(of.std(ddof=1) / np.sqrt(n))
    if not np.ptp(of):
        return Equivalence(n, mean, None, None, None, None, "not estimable: all differences are the same")
    above = stats.t.sf((mean + margin) / error, n - 1)
    below = stats.t.cdf((mean - margin) / error, n - 1)
    half = float(stats.t.ppf(1 - alpha, n - 1)) * error
    p_value = float(max(above, below))
    return Equivalence(n, mean, mean - half, mean + half, p_value, p_value < alpha)
