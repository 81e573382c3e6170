"""Compute intervals of the classification by every network and input configuration."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.bca import bca_interval
from residua.statistics.bootstrap import Persons
from residua.statistics.cases import RATES, folds_of, outcomes_of, persons_of, pooled_rate
from residua.statistics.frames import tidy
from residua.statistics.interval import Interval
from residua.statistics.normal import normal_interval

METHODS = {"validation": "normal", "test": "BCa"}
"""The article's method for each split."""

COLUMNS = ("arch", "inputs", "split", "method", "rate", "estimate", "low", "high", "n", "undefined", "note")


def intervals(cases: pd.DataFrame, classification: Classification, statistics: Statistics) -> pd.DataFrame:
    """Return one row per network, inputs, split and rate, in the order of ``cases``.

    Estimates and limits are in percent, or null with the reason in ``note``. Intervals are normal on the validation
    sets, from the folds' pooled estimates, and BCa on the test set.

    >>> from residua.settings.statistics import BestInputs
    >>> volumes = {"reference_ml": [2, 2, 0, 0] * 4, "predicted_ml": [2, 0, 2, 0] * 4, "dice": [1, 0, 0, 0] * 4}
    >>> cases = pd.DataFrame({"arch": "nnunet", "inputs": "B", "split": "test", "fold": None, **volumes})
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> settings = Statistics(**numbers, best_inputs=best)
    >>> found = intervals(cases, Classification(residual_tumor_ml=0.175, min_overlap_dice=0), settings)
    >>> found.loc[found["split"] == "test", ["rate", "method", "estimate"]].values.tolist()
    [['sensitivity', 'BCa', 50.0], ['specificity', 'BCa', 50.0], ['balanced_accuracy', 'BCa', 50.0]]
    """
    rows = []
    for (arch, inputs), of_model in cases.groupby(["arch", "inputs"], sort=False):
        for split, method in METHODS.items():
            of_split = of_model[of_model["split"] == split]
            if of_split.empty:
                # Predictions made elsewhere may be of the hold-out alone.
                continue
            outcome, fold = outcomes_of(of_split, classification), folds_of(of_split)
            persons = persons_of(of_split)
            for rate in RATES:
                names = {"arch": arch, "inputs": inputs, "split": split, "method": method, "rate": rate}
                rows.append({**names, **asdict(_interval(outcome, fold, split, rate, statistics, persons))})
    return tidy(rows, COLUMNS)


def _interval(
    outcome: NDArray[np.str_],
    fold: NDArray[np.int_],
    split: str,
    rate: str,
    statistics: Statistics,
    persons: Persons,
) -> Interval:
    if METHODS[split] == "BCa":
        how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
        return bca_interval(outcome, rate, *how, persons)
    pooled = pooled_rate(outcome, fold, rate, statistics.folds_ddof)
    return normal_interval(pooled, statistics.interval_sd_multiplier)
