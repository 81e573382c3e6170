"""Score one set of patients by the measures that a bundle states of its models."""

from __future__ import annotations

import math

import pandas as pd

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.bca import bca_interval
from residua.statistics.cases import RATES, outcomes_of, persons_of, positive
from residua.statistics.interval import Interval
from residua.statistics.mean_interval import mean_interval

MEASURES = ("dice", *RATES)


def scores_of(cases: pd.DataFrame, classification: Classification, statistics: Statistics) -> dict[str, Interval]:
    """Return the measures of patients who are one set, each with its BCa interval: Dice a fraction, rates in percent.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> cases = pd.DataFrame({"reference_ml": [2, 2, 0], "predicted_ml": [2, 0, 0], "dice": [0.8, 0.0, 1.0]})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> found = scores_of(cases, settings, Statistics(**numbers, best_inputs=best))
    >>> {measure: interval.estimate for measure, interval in found.items()}
    {'dice': 0.4, 'sensitivity': 50.0, 'specificity': 100.0, 'balanced_accuracy': 75.0}
    """
    outcome = outcomes_of(cases, classification)
    how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    return {
        "dice": dice_of_positive(cases, classification, statistics),
        **{rate: bca_interval(outcome, rate, *how, persons_of(cases)) for rate in RATES},
    }


def dice_of_positive(cases: pd.DataFrame, classification: Classification, statistics: Statistics) -> Interval:
    """Return the mean Dice of the patients with residual tumour in the reference, a fraction.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> cases = pd.DataFrame({"reference_ml": [2, 0], "dice": [0.75, 0.0]})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> found = dice_of_positive(cases, settings, Statistics(**numbers, best_inputs=best))
    >>> found.estimate, found.note
    (0.75, 'no interval: one patient only')
    """
    of = positive(cases, classification)
    how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    return mean_interval(of["dice"], *how, persons_of(of))


def difference(first: Interval, second: Interval) -> Interval:
    """Return the first minus the second, of two sets without a common patient, with its interval.

    The interval is that of Zou and Donner (2008), from the intervals of both, which have one level. There is none where
    one of them has none.

    >>> found = difference(Interval(80, 70, 90, 10, 0), Interval(90, 87, 94, 40, 0))
    >>> found.estimate, round(found.low, 2), round(found.high, 2)
    (-10, -20.77, 0.44)
    """
    if first.estimate is None or second.estimate is None:
        return Interval(None, None, None, first.n, first.undefined, "not estimable: one of the two is not")
    change = first.estimate - second.estimate
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return Interval(change, None, None, first.n, first.undefined, "no interval: one of the two has none")
    down = math.hypot(first.estimate - first.low, second.high - second.estimate)
    up = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Interval(change, change - down, change + up, first.n, first.undefined)
