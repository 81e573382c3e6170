"""Test whether values differ between several groups (Kruskal and Wallis 1952)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats


@dataclass(frozen=True)
class GroupsAlike:
    """Numbers of groups and values, H with its degrees of freedom, and p; None, with ``note``, if there is no test."""

    groups: int
    n: int
    statistic: float | None
    freedom: int | None
    p_value: float | None
    note: str = ""


def kruskal_wallis(samples: Sequence[NDArray[np.float64]]) -> GroupsAlike:
    """Test the samples, one of each group, by the chi-squared form corrected for ties.

    >>> found = kruskal_wallis([np.array([0.1, 0.2, 0.3]), np.array([0.7, 0.8, 0.9])])
    >>> round(found.statistic, 4), found.freedom, round(found.p_value, 4)
    (3.8571, 1, 0.0495)
    """
    groups, n = len(samples), sum(sample.size for sample in samples)
    if groups < 2:
        return GroupsAlike(groups, n, None, None, None, "not estimable: fewer than two groups")
    if not np.ptp(np.concatenate(list(samples))):
        return GroupsAlike(groups, n, None, None, None, "not estimable: the same for all patients")
    found = stats.kruskal(*samples)
    return GroupsAlike(groups, n, float(found.statistic), groups - 1, float(found.pvalue))
