"""Tukey's range test: which of several groups differ in their mean, with simultaneous confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """Mean of group ``first`` minus mean of group ``second``, its interval and p; None where there is none, see
    ``note``.
    """

    first: str
    second: str
    n_1: int
    n_2: int
    mean_difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    significant: bool | None
    note: str = ""


def range_test(groups: Mapping[str, ArrayLike], alpha: float) -> list[Difference]:
    """Tukey's range test of every pair of groups, in their order; Tukey and Kramer's for groups of unequal size.

    The intervals hold together with probability 1 − ``alpha``: difference ± q √(MSE/2 · (1/n₁ + 1/n₂)), where MSE is
    the variance within all groups and q the studentised range (``scipy.stats.tukey_hsd``). NaN values are undefined
    cases: left out and counted. A group of fewer than two values tells nothing of the spread and takes no part.
    """
    every = {name: np.asarray(values, dtype=np.float64) for name, values in groups.items()}
    defined = {name: values[~np.isnan(values)] for name, values in every.items()}
    usable = {name: values for name, values in defined.items() if values.size > 1}
    tested = _test(usable, alpha) if any(np.ptp(values) for values in usable.values()) else {}
    found = []
    for first, second in combinations(groups, 2):
        one, other = defined[first], defined[second]
        left_out = every[first].size - one.size + every[second].size - other.size
        notes = [f"{left_out} undefined left out"] if left_out else []
        if (first, second) not in tested:
            small = min(one.size, other.size) < 2
            notes.append(f"no test: {'fewer than two patients' if small else 'no spread within the groups'}")
        low, high, p_value = tested.get((first, second), (None, None, None))
        found.append(
            Difference(
                first=first,
                second=second,
                n_1=one.size,
                n_2=other.size,
                mean_difference=float(one.mean() - other.mean()) if one.size and other.size else None,
                low=low,
                high=high,
                p_value=p_value,
                significant=None if p_value is None else p_value < alpha,
                note="; ".join(notes),
            )
        )
    return found


def _test(groups: Mapping[str, NDArray[np.float64]], alpha: float) -> dict[tuple[str, str], tuple[float, float, float]]:
    """Low, high and p of every pair."""
    if len(groups) < 2:
        return {}
    found = stats.tukey_hsd(*groups.values())
    interval = found.confidence_interval(1 - alpha)
    return {
        (first, second): (float(interval.low[i, j]), float(interval.high[i, j]), float(found.pvalue[i, j]))
        for (i, first), (j, second) in combinations(enumerate(groups), 2)
    }
