"""Compute normal intervals of rates from the pooled estimates of several folds."""

from __future__ import annotations

import math

from residua.metrics.pooling import Pooled
from residua.statistics.interval import Interval

_NO_SPREAD_PERCENT = 1e-9


def normal_interval(pooled: Pooled, sd_multiplier: float) -> Interval:
    """Compute mean ± ``sd_multiplier`` · sd of a rate in percent, with the sd over folds.

    Limits are not clipped: one below 0 or above 100 % shows that the normal approximation is poor. One fold has no sd,
    and folds that all agree show no spread: both give an estimate without an interval.

    >>> interval = normal_interval(Pooled(mean=80.0, sd=5.0, n=100, undefined=0, folds_left_out=0), sd_multiplier=2.0)
    >>> interval.low, interval.high
    (70.0, 90.0)
    """
    if math.isnan(pooled.mean):
        return Interval(None, None, None, pooled.n, pooled.undefined, "not estimable: undefined in every fold")
    notes = [f"undefined in {pooled.folds_left_out} fold(s), left out"] if pooled.folds_left_out else []
    low = high = None
    if math.isnan(pooled.sd):
        notes.append("no interval: one fold only")
    elif pooled.sd < _NO_SPREAD_PERCENT:
        notes.append("no interval: the same in every fold")
    else:
        low, high = pooled.mean - sd_multiplier * pooled.sd, pooled.mean + sd_multiplier * pooled.sd
    return Interval(pooled.mean, low, high, pooled.n, pooled.undefined, "; ".join(notes))
