"""Estimate survival over time (Kaplan and Meier 1958), with the numbers at risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from numpy.typing import ArrayLike

DAYS_OF_A_MONTH = 365.25 / 12
COLUMNS = ("day", "at_risk", "deaths", "censored", "survival", "low", "high")


@dataclass(frozen=True)
class Median:
    """The day by which half have died, with its interval; None: not reached, so far as anybody was followed."""

    days: float | None
    low: float | None
    high: float | None


def kaplan_meier(days: ArrayLike, death: ArrayLike, alpha: float) -> tuple[pd.DataFrame, Median]:
    """Return a row for each day on which anybody's follow-up ends, the first for day 0, and the median.

    ``at_risk`` are followed up to that day, ``survival`` holds after it. The interval is that of the logarithm of the
    cumulative hazard, with Greenwood's variance; undefined before the first death and after the last survivor.

    >>> curve, median = kaplan_meier([10, 20, 20, 40], [True, True, False, True], 0.05)
    >>> curve[["day", "at_risk", "deaths", "survival"]].round(6).values.tolist()
    [[0.0, 4.0, 0.0, 1.0], [10.0, 4.0, 1.0, 0.75], [20.0, 3.0, 1.0, 0.5], [40.0, 1.0, 1.0, 0.0]]
    >>> median.days
    20.0
    """
    times, dead = np.asarray(days, dtype=np.float64), np.asarray(death, dtype=bool)
    if not times.size:
        return pd.DataFrame(columns=list(COLUMNS), dtype=float), Median(None, None, None)
    fitted = KaplanMeierFitter(alpha=alpha).fit(times, dead)
    ends = fitted.event_table
    # The table begins with day 0, on which everybody enters.
    survival = fitted.survival_function_["KM_estimate"].reindex(ends.index)
    between = fitted.confidence_interval_.reindex(ends.index).where(survival.between(0, 1, inclusive="neither"), axis=0)
    curve = pd.DataFrame(
        {
            "day": ends.index.to_numpy(dtype=np.float64),
            "at_risk": ends["at_risk"].to_numpy(dtype=np.int64),
            "deaths": ends["observed"].to_numpy(dtype=np.int64),
            "censored": ends["censored"].to_numpy(dtype=np.int64),
            "survival": survival.to_numpy(dtype=np.float64),
            "low": between.iloc[:, 0].to_numpy(dtype=np.float64),
            "high": between.iloc[:, 1].to_numpy(dtype=np.float64),
        }
    )
    return curve, Median(*(_half(curve, name) for name in ("survival", "low", "high")))


def survival_at(curve: pd.DataFrame, day: float) -> tuple[int, float, float, float]:
    """Return how many are at risk on a day, and the survival with its interval; undefined after the follow-up's end.

    >>> curve, _ = kaplan_meier([10, 20, 20, 40], [True, True, False, True], 0.05)
    >>> at_risk, survival, _, _ = survival_at(curve, 15)
    >>> at_risk, round(survival, 6)
    (3, 0.75)
    """
    followed = int((curve["deaths"] + curve["censored"])[curve["day"] >= day].sum())
    before = curve[curve["day"] <= day]
    if before.empty or (not followed and before["survival"].iloc[-1] > 0):
        return followed, np.nan, np.nan, np.nan
    survival, low, high = before.iloc[-1][["survival", "low", "high"]]
    return followed, float(survival), float(low), float(high)


def _half(curve: pd.DataFrame, name: str) -> float | None:
    # A half that is only reached after rounding is reached.
    reached = curve.loc[curve[name] <= 0.5 + 1e-12, "day"]
    return None if reached.empty else float(reached.iloc[0])
