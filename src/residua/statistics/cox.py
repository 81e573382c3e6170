"""Estimate how the risk of death changes with one number (Cox 1972), and whether its effect is steady."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError
from lifelines.statistics import proportional_hazard_test
from numpy.typing import ArrayLike, NDArray
from statsmodels.duration.survfunc import survdiff

_EXACT = {"precision": 1e-12}
"""How near to its maximum the likelihood must be."""
_NO_PAIR = "not estimable: nobody is known to outlive another"


@dataclass(frozen=True)
class Hazard:
    """A hazard ratio for each unit, its interval and p (Wald), Harrell's concordance, and p of Schoenfeld's residuals.

    A number that cannot be estimated is None, and ``note`` gives the reason; ``steady_note`` that of the last p, and
    ``concordance_note`` that of the concordance.
    """

    ratio: float | None
    low: float | None
    high: float | None
    p_value: float | None
    concordance: float | None
    steady_p: float | None
    note: str = ""
    steady_note: str = ""
    concordance_note: str = ""


def cox(days: ArrayLike, death: ArrayLike, value: ArrayLike, strata: ArrayLike, alpha: float) -> Hazard:
    """Fit one covariate, with a baseline hazard for each stratum and Efron's way with ties.

    Concordance is of the pairs within strata whose order is known, by the fitted risk. The last p is of the correlation
    of the scaled Schoenfeld residuals with the ranks of time: a low one speaks against proportional hazards.

    >>> found = cox([5, 6, 8, 9], [1, 1, 1, 0], [2, 3, 1, 2], ["a"] * 4, 0.05)
    >>> round(found.ratio, 3), round(found.concordance, 3)
    (1.431, 0.583)
    >>> cox([5, 6], [0, 0], [1.0, 2.0], ["a", "a"], 0.05).note
    'not estimable: no death'
    """
    frame = pd.DataFrame(
        {
            "days": np.asarray(days, dtype=np.float64),
            "death": np.asarray(death, dtype=bool),
            "value": np.asarray(value, dtype=np.float64),
            "stratum": np.asarray(strata, dtype=np.str_),
        }
    )
    if why := _why_not(frame):
        return _no_hazard(why)
    try:
        fitter = CoxPHFitter(alpha=alpha).fit(frame, "days", "death", strata=["stratum"], fit_options=_EXACT)
    except ConvergenceError:
        return _no_hazard("the likelihood has no maximum")
    found = fitter.summary.iloc[0]
    low, high = (float(np.exp(fitter.confidence_intervals_.iloc[0, end])) for end in (0, 1))
    steady, why = _steady(fitter, frame)
    ratio, p_value = float(found["exp(coef)"]), float(found["p"])
    concordance, no_pair = (float(fitter.concordance_index_), "") if _in_order(frame) else (None, _NO_PAIR)
    return Hazard(ratio, low, high, p_value, concordance, steady, "", why, no_pair)


def _no_hazard(why: str) -> Hazard:
    return Hazard(None, None, None, None, None, None, *[f"not estimable: {why}"] * 3)


def log_rank(
    days: ArrayLike, death: ArrayLike, group: ArrayLike, strata: ArrayLike
) -> tuple[float | None, float | None, str]:
    """Test whether groups survive alike, within strata: chi-squared and p, or the reason why there are none.

    >>> chi_squared, p_value, _ = log_rank([1, 2, 3, 4], [1, 1, 1, 1], [0, 0, 1, 1], ["a"] * 4)
    >>> round(chi_squared, 3), round(p_value, 3)
    (2.882, 0.09)
    """
    times, groups, layers = np.asarray(days, dtype=np.float64), np.asarray(group), np.asarray(strata, dtype=np.str_)
    dead = np.asarray(death, dtype=bool)
    frame = pd.DataFrame({"days": times, "death": dead, "value": groups.astype(np.float64), "stratum": layers})
    if why := _none_to_compare(frame):
        return None, None, f"not estimable: {why}"
    # A stratum of one group says nothing, and the test does not allow it.
    mixed = frame.groupby("stratum")["value"].transform("nunique").to_numpy() > 1
    if not _chance(frame[mixed]):
        return None, None, "not estimable: all at risk die on the same day"
    chi_squared, p_value = survdiff(times[mixed], dead[mixed], groups[mixed], strata=layers[mixed])
    return float(chi_squared), float(p_value), ""


def _why_not(frame: pd.DataFrame) -> str:
    if why := _none_to_compare(frame):
        return why
    if frame["death"].sum() == 1:
        return "one death only"
    above, below = _distances(frame)
    if not above.any() or not below.any():
        return "whoever died had the extreme value of all at risk each time, so that the ratio has no bound"
    return ""


def _none_to_compare(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "no patient"
    if len(frame) == 1:
        return "one patient only"
    if not frame["death"].any():
        return "no death"
    if frame["value"].nunique() == 1:
        return "all patients have the same value"
    above, below = _distances(frame)
    return "" if above.any() or below.any() else "all patients at risk at a death have the same value"


def _distances(frame: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each death, how far the value is below the highest and above the lowest of all at risk."""
    above, below = [], []
    for _, stratum in frame.groupby("stratum"):
        for row in stratum[stratum["death"]].itertuples():
            at_risk = stratum.loc[stratum["days"] >= row.days, "value"]
            above.append(at_risk.max() - row.value)
            below.append(row.value - at_risk.min())
    return np.array(above, dtype=np.float64), np.array(below, dtype=np.float64)


def _at_deaths(frame: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, int]]:
    """Yield who of a stratum is at risk on each day of deaths, and how many die on it."""
    for _, stratum in frame.groupby("stratum"):
        for day in stratum.loc[stratum["death"], "days"].unique():
            at_risk = stratum[stratum["days"] >= day]
            yield at_risk, int((at_risk["death"] & (at_risk["days"] == day)).sum())


def _in_order(frame: pd.DataFrame) -> bool:
    """Whether a patient is known to have died before another of the stratum."""
    return any(deaths < len(at_risk) for at_risk, deaths in _at_deaths(frame))


def _chance(frame: pd.DataFrame) -> bool:
    """Whether which group the dead are of is left to chance at any death, so that the test has a variance."""
    return any(deaths < len(at_risk) and at_risk["value"].nunique() > 1 for at_risk, deaths in _at_deaths(frame))


def _steady(fitter: CoxPHFitter, frame: pd.DataFrame) -> tuple[float | None, str]:
    if frame.loc[frame["death"], "days"].nunique() < 3:
        return None, "not estimable: deaths on fewer than three days"
    p_value = float(np.ravel(proportional_hazard_test(fitter, frame, time_transform="rank").p_value)[0])
    return (p_value, "") if np.isfinite(p_value) else (None, "not estimable: the residuals do not vary")
