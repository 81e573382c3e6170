"""Test whether the differences of pairs lie to one side of 0 (Wilcoxon signed-rank, two-sided), and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class SignedRank:
    """Number of pairs that differ, sum of the ranks of positive differences, effect size and p.

    A number that cannot be estimated is None, and ``note`` gives the reason.
    """

    differing: int
    w_plus: float | None
    rank_biserial: float | None
    p_value: float | None
    note: str = ""


def signed_rank(differences: ArrayLike) -> SignedRank:
    """Test the differences of pairs; those of 0 are left out.

    The effect size is the matched-pairs rank-biserial correlation (Kerby 2014), (W₊ − W₋) / (W₊ + W₋) from the sums of
    the ranks of positive and of negative differences: 1 if all are positive, −1 if all are negative. p is exact for at
    most 50 pairs without ties and for at most 13 with them, otherwise from the normal approximation
    (``scipy.stats.wilcoxon``).

    >>> found = signed_rank([0.3, 0.1, -0.2, 0.4, 0.0])
    >>> found.differing, found.w_plus, found.rank_biserial, found.p_value
    (4, 8.0, 0.6, 0.375)
    """
    every = np.asarray(differences, dtype=np.float64)
    differing = every[every != 0]
    if every.size < 2:
        why = "one patient only" if every.size else "no patient"
        return SignedRank(differing.size, None, None, None, f"not estimable: {why}")
    if not differing.size:
        return SignedRank(0, None, None, None, "not estimable: all differences are zero")
    ranks = stats.rankdata(np.abs(differing))
    plus, minus = float(ranks[differing > 0].sum()), float(ranks[differing < 0].sum())
    return SignedRank(
        differing=differing.size,
        w_plus=plus,
        rank_biserial=(plus - minus) / (plus + minus),
        p_value=float(stats.wilcoxon(differing).pvalue),
    )
