"""A confidence interval, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A rate and its interval in percent, from ``n`` patients; ``undefined`` ones were left out.

    What cannot be estimated is None, with the reason in ``note``.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    undefined: int
    note: str = ""
