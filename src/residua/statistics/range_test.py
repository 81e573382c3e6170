"""Test which of several groups differ in their mean, with simultaneous confidence intervals (Tukey's range test)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


@dataclass(frozen=True)
class Difference:
    """Mean of group ``first`` minus mean of group ``second``, with interval and p.

    A number that cannot be computed is None, and ``note`` gives the reason.
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
    """Test every pair of groups, in their order: Tukey's range test, or Tukey and Kramer's for groups of unequal size.

    The intervals hold together with probability 1 − ``alpha``: difference ± q √(MSE/2 · (1/n₁ + 1/n₂)), where MSE is
    the variance within all groups and q the studentised range (``scipy.stats.tukey_hsd``). NaN values are undefined
    cases, which are excluded and counted. A group of fewer than two values shows no spread and is not tested.

    >>> (found,) = range_test({"A": [2.0, 4.0], "B": [1.0, 1.5, float("nan")]}, alpha=0.05)
    >>> found.mean_difference, found.n_2, found.significant
    (1.75, 2, False)
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
    """Return low, high and p of every pair."""
    if len(groups) < 2:
        return {}
    found = stats.tukey_hsd(*groups.values())
    interval = found.confidence_interval(1 - alpha)
    return {
        (first, second): (float(interval.low[i, j]), float(interval.high[i, j]), float(found.pvalue[i, j]))
        for (i, first), (j, second) in combinations(enumerate(groups), 2)
    }
