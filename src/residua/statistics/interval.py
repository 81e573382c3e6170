"""Hold a confidence interval, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An estimate and its interval, those of rates in percent, from ``n`` patients without the ``undefined`` ones.

    A number that cannot be estimated is None, and ``note`` gives the reason.
    """

    estimate: float | None
    low: float | None
    high: float | None
    n: int
    undefined: int
    note: str = ""
