"""Test whether one of two models is right about more of the same patients (McNemar 1947, exact)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class Discordant:
    """Numbers of patients about whom the first alone, and the second alone, is right, and p.

    p is None if there is no such patient, and ``note`` gives the reason.
    """

    first_alone: int
    second_alone: int
    p_value: float | None
    note: str = ""


def mcnemar(first_right: ArrayLike, second_right: ArrayLike) -> Discordant:
    """Test two sides, exactly: of the patients about whom one alone is right, each is right with probability ½.

    >>> mcnemar([True, True, True, False], [False, False, False, False])
    Discordant(first_alone=3, second_alone=0, p_value=0.25, note='')
    """
    one, other = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    first, second = int(np.count_nonzero(one & ~other)), int(np.count_nonzero(other & ~one))
    if not one.size:
        return Discordant(0, 0, None, "not estimable: no patient")
    if not first + second:
        return Discordant(0, 0, None, "not estimable: both are right about the same patients")
    return Discordant(first, second, float(stats.binomtest(first, first + second, 0.5).pvalue))
