"""The best sharing of hospitals among folds, proven by mixed-integer programming (HiGHS, through SciPy)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from residua.cohort.split.sharing import Sharing

_LIMITS = {"time_limit": 60.0, "mip_rel_gap": 0.0}
"""Of each program: seconds, far more than any takes that ``proven_best`` tries, and a gap that is no answer."""
_LARGEST = 100
"""Hospitals times folds up to which a proof takes seconds: 20 hospitals in 5 folds, 3 s; 24 in 6 took 90 s."""
_SLACK = 1e-6
"""The tolerance of the solver: sums that are closer than this count as equal to it."""


def proven_best(sharing: Sharing, places: Sequence[int]) -> list[int] | None:
    """The best placement, given a good one; None where the proof would take too long.

    The deviations are minimised from the largest on by minimising, one after another, the sums of the t largest
    (t = 1, …, k), each written as a linear program: min t·u + Σ_f v_f with v_f ≥ d_f − u, v_f ≥ 0 (Ogryczak and
    Śliwiński, On direct methods for lexicographic min-max optimization, 2006).
    """
    if len(places) * sharing.number > _LARGEST:
        return None
    best = list(places)
    for largest in range(1, sharing.number + 1):
        sums = [total / sharing.unit for total in accumulate(sharing.score(sharing.folds(best)))][:largest]
        result = _Program(sharing, sums).solve()
        if result.status != 0:
            return None
        chosen = np.reshape(result.x[: len(best) * sharing.number], (len(best), sharing.number)).argmax(axis=1)
        best = min(best, [int(fold) for fold in chosen], key=lambda these: sharing.score(sharing.folds(these)))
    return best


class _Program:
    """Minimise the sum of the t largest deviations, no sum of fewer being larger than ``sums`` says (t in all).

    Variables: x[h, f] (hospital h in fold f), d[f] (its deviation), u[s] and v[s, f] of the sums of the s largest.
    """

    def __init__(self, sharing: Sharing, sums: Sequence[float]) -> None:
        self.sharing, self.sums = sharing, sums
        hospitals, folds = len(sharing.sizes), sharing.number
        parts = ((hospitals, folds), (folds,), (len(sums),), (len(sums), folds))
        ends = np.cumsum([int(np.prod(part)) for part in parts])
        indices = (np.arange(end - np.prod(part), end) for part, end in zip(parts, ends, strict=True))
        self.x, self.d, self.u, self.v = (i.reshape(part) for i, part in zip(indices, parts, strict=True))
        self.variables = int(ends[-1])
        self.rows: list[tuple[dict[int, float], float, float]] = []

    def solve(self) -> Any:
        """SciPy's result; ``status`` 0 is a proven optimum."""
        self._placements()
        self._deviations()
        self._sums()
        matrix = np.zeros((len(self.rows), self.variables))
        for row, (coefficients, _, _) in zip(matrix, self.rows, strict=True):
            row[list(coefficients)] = list(coefficients.values())
        binary = (np.arange(self.variables) < self.x.size).astype(int)
        cost = np.zeros(self.variables)
        cost[self.u[-1]], cost[self.v[-1]] = len(self.sums), 1.0
        limits = LinearConstraint(matrix, [low for _, low, _ in self.rows], [high for _, _, high in self.rows])
        bounds = Bounds(0.0, np.where(binary, 1.0, np.inf))
        return milp(cost, integrality=binary, bounds=bounds, constraints=limits, options=_LIMITS)

    def _add(self, coefficients: dict[int, float], low: float = -np.inf, high: float = np.inf) -> None:
        self.rows.append((coefficients, low, high))

    def _placements(self) -> None:
        """Each hospital in one fold, none empty. Fold f begins after fold f − 1: the same sharing is tried once."""
        for hospital in self.x:
            self._add(dict.fromkeys(hospital, 1.0), 1.0, 1.0)
        for fold in self.x.T:
            self._add(dict.fromkeys(fold, 1.0), low=1.0)
        for hospital in range(len(self.x)):
            for fold in range(1, self.sharing.number):
                earlier = dict.fromkeys(self.x[:hospital, fold - 1], -1.0)
                self._add({self.x[hospital, fold]: 1.0, **earlier}, high=0.0)

    def _deviations(self) -> None:
        """d[f] is at least |k·n_f/N − 1| and |k·r_f/R − 1|."""
        for column, total in enumerate(self.sharing.total):
            if not total:
                continue
            shares = [self.sharing.number * size[column] / total for size in self.sharing.sizes]
            for fold, deviation in zip(self.x.T, self.d, strict=True):
                share = dict(zip(fold, shares, strict=True))
                self._add({**share, deviation: -1.0}, high=1.0)
                self._add({**share, deviation: 1.0}, low=1.0)

    def _sums(self) -> None:
        for index, highest in enumerate(self.sums):
            for deviation, above in zip(self.d, self.v[index], strict=True):
                self._add({deviation: 1.0, self.u[index]: -1.0, above: -1.0}, high=0.0)
            self._add({self.u[index]: index + 1.0, **dict.fromkeys(self.v[index], 1.0)}, high=highest + _SLACK)
