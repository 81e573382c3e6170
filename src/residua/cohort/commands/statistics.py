"""Judge what the settings of the statistics say about each other: the study runs, and says what nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.settings.statistics import Statistics

_ROUNDED = 0.01
"""A multiplier that differs by less is the alpha's, written with fewer digits."""


def statistics_problems(statistics: Statistics) -> Iterator[Problem]:
    """Yield a warning for intervals of two levels, and for bounds of a number by which there are no subgroups."""
    given, alpha = statistics.interval_sd_multiplier, statistics.alpha
    wanted = NormalDist().inv_cdf(1 - alpha / 2)
    if abs(given - wanted) >= _ROUNDED:
        level = 100 * (2 * NormalDist().cdf(given) - 1)
        yield problem_of(
            "intervals-of-two-levels",
            f"mean ± {given:g} sd is an interval of {level:.3g}%, and those of alpha {alpha:g} are of "
            f"{100 * (1 - alpha):.3g}%",
            f"set statistics.interval_sd_multiplier to {wanted:.2f}, or correct statistics.alpha",
            subject="statistics.interval_sd_multiplier",
        )
    for covariate in statistics.subgroup_bounds:
        if covariate not in statistics.subgroups:
            yield problem_of(
                "bounds-without-subgroups",
                f"bounds of {covariate}, by which no patients are judged in subgroups",
                f"add {covariate} to statistics.subgroups, or leave out its bounds",
                subject=f"statistics.subgroup_bounds.{covariate}",
            )
