"""Compute the numbers of every model by every convention of evaluation, and how far the convention moves them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import count, has_residual_tumor, outcome_of, rates
from residua.metrics.conventions import Convention
from residua.metrics.overlap import ratio
from residua.metrics.pooling import Pooled, pool_rates
from residua.settings.classification import Classification
from residua.statistics.cases import folds_of, pooled_metric, pooled_rate
from residua.statistics.frames import tidy
from residua.statistics.normal import normal_interval

COLUMNS = (
    *("arch", "inputs", "split", "convention", "measure", "estimate", "sd", "low", "high", "n", "undefined"),
    *("difference", "note"),
)
METRICS = {"dsc_p": 100.0, "dsc_tp": 100.0, "hd95_mm": 1.0}
"""Measures that are means over patients, and the factor to their unit."""
RATES = ("recall", "precision", "f1", "specificity", "balanced_accuracy")
NOT_DEFINED = "not defined by this convention"


def convention_numbers(
    cases: pd.DataFrame,
    conventions: Sequence[Convention],
    classification: Classification,
    interval_sd_multiplier: float,
) -> pd.DataFrame:
    """Return one row per model, split, convention and measure; ``difference`` is to the first convention.

    ``cases`` has a row per model, patient and convention (``residua.segmentation.by_convention``). Dice and rates are
    in percent. Limits are those of the balanced accuracy out of fold. A number that cannot be had is null, and ``note``
    says why. Rates of lesions and rates of patients are different quantities and have no difference.

    >>> from residua.metrics.conventions import ARTICLE
    >>> volumes = {"reference_ml": [2.0, 0.0], "predicted_ml": [1.0, 0.0], "dice": [0.5, None], "hd95_mm": [4.0, None]}
    >>> names = {"arch": "nnunet", "inputs": "B", "split": "test", "fold": None, "convention": "article"}
    >>> cases = pd.DataFrame({**names, "threshold": 0.5, **volumes})
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> found = convention_numbers(cases, [ARTICLE], rule, 1.96).set_index("measure")["estimate"]
    >>> found[["threshold", "dsc_p", "ave_ml", "specificity"]].tolist()
    [0.5, 50.0, 0.5, 100.0]
    """
    rows = []
    for (arch, inputs), of_model in cases.groupby(["arch", "inputs"], sort=False):
        for split in of_model["split"].unique():
            of_split = of_model[of_model["split"] == split]
            own: dict[str, float | None] = {}
            for convention in conventions:
                is_like = (convention.lesion_wise is None) == (conventions[0].lesion_wise is None)
                of = of_split[of_split["convention"] == convention.name]
                names = {"arch": arch, "inputs": inputs, "split": split, "convention": convention.name}
                for measure, found in _numbers(of, split, convention, classification, interval_sd_multiplier).items():
                    first = own.setdefault(measure, found["estimate"])
                    can_compare = (is_like or measure not in RATES) and None not in (first, found["estimate"])
                    apart = found["estimate"] - first if can_compare else None
                    rows.append({**names, "measure": measure, **found, "difference": apart})
    return tidy(rows, COLUMNS)


def _numbers(
    cases: pd.DataFrame, split: str, convention: Convention, classification: Classification, sd_multiplier: float
) -> dict[str, dict[str, Any]]:
    outcome, fold = _outcomes(cases, split, convention, classification), folds_of(cases)
    positive = np.isin(outcome, ["TP", "FN"])
    dice = cases["dice"].to_numpy(dtype=np.float64)
    least = convention.overlap_of_dsc_tp
    found = outcome == "TP" if least is None else positive & (dice >= least)
    of = {"dsc_p": (dice, positive), "dsc_tp": (dice, found), "hd95_mm": (cases["hd95_mm"].to_numpy(float), positive)}
    numbers: dict[str, dict[str, Any]] = {"threshold": _number(float(cases["threshold"].iloc[0]), len(cases))}
    for name, scale in METRICS.items():
        values, whose = of[name]
        pooled = pooled_metric(scale * values, fold, whose, convention.fold_weights)
        numbers[name] = _pooled(pooled, "not estimable: no patient has a value")
    numbers["ave_ml"] = _volume_error(cases, convention, classification)
    rated = _of_lesions(cases, fold, convention) if convention.lesion_wise else _of_patients(outcome, fold, convention)
    numbers |= rated
    balanced = numbers["balanced_accuracy"]
    if split == "validation" and balanced["estimate"] is not None:
        balanced |= _limits(outcome, fold, convention, sd_multiplier)
    return numbers


def _outcomes(
    cases: pd.DataFrame, split: str, convention: Convention, classification: Classification
) -> NDArray[np.str_]:
    def shows_tumor(side: str) -> NDArray[np.bool_]:
        if split in convention.by_object:
            return cases[f"{side}_object"].to_numpy(dtype=bool)
        return has_residual_tumor(cases[f"{side}_ml"], classification.residual_tumor_ml, convention.strict)

    reference, predicted = shows_tumor("reference"), shows_tumor("predicted")
    least = convention.min_overlap_dice
    found = predicted & (cases["dice"].to_numpy(dtype=np.float64) >= least) if least else predicted
    return outcome_of(reference, predicted, found)


def _of_patients(outcome: NDArray[np.str_], fold: NDArray[np.int_], convention: Convention) -> dict[str, Any]:
    reasons = rates(count(outcome)).undefined
    return {
        rate: _pooled(
            pooled_rate(outcome, fold, rate, convention.folds_ddof),
            f"not estimable: {reasons.get(rate, 'undefined in every fold')}",
        )
        for rate in RATES
    }


def _of_lesions(cases: pd.DataFrame, fold: NDArray[np.int_], convention: Convention) -> dict[str, Any]:
    """Return recall, precision and F1 of lesions, counted in each fold and pooled over the folds."""
    patients = {int(k): int((fold == k).sum()) for k in np.unique(fold)}

    def pooled(rate: Callable[[Mapping[str, int]], float]) -> Pooled:
        by_fold = {k: 100 * rate(_lesions(cases[fold == k])) for k in patients}
        return pool_rates(by_fold, patients, convention.folds_ddof)

    numbers = {name: _pooled(pooled(rate), f"not estimable: {why}") for name, (rate, why) in _LESION_RATES.items()}
    return numbers | {rate: _number(None, 0, NOT_DEFINED) for rate in RATES if rate not in numbers}


def _lesions(cases: pd.DataFrame) -> dict[str, int]:
    return {side: int(cases[f"{side}_lesions"].sum()) for side in ("reference", "found", "predicted", "false")}


def _recall(lesions: Mapping[str, int]) -> float:
    return ratio(lesions["found"], lesions["reference"])


def _precision(lesions: Mapping[str, int]) -> float:
    return ratio(lesions["predicted"] - lesions["false"], lesions["predicted"])


def _f1(lesions: Mapping[str, int]) -> float:
    """Return the harmonic mean of recall and precision; 0 if none is found, as of patients, where one has no value."""
    if lesions["reference"] + lesions["predicted"] and not lesions["found"]:
        return 0.0
    recall, precision = _recall(lesions), _precision(lesions)
    return 2 * recall * precision / (recall + precision)


_LESION_RATES = {
    "recall": (_recall, "no lesion in the reference"),
    "precision": (_precision, "no lesion in the prediction"),
    "f1": (_f1, "no lesion in the reference or in the prediction"),
}


def _volume_error(cases: pd.DataFrame, convention: Convention, classification: Classification) -> dict[str, Any]:
    if convention.lesion_wise:
        return _number(None, 0, NOT_DEFINED)
    volumes = []
    for side in ("reference", "predicted"):
        ml = cases[f"{side}_ml"].to_numpy(dtype=np.float64)
        counts = has_residual_tumor(ml, classification.residual_tumor_ml, strict=True)
        volumes.append(np.where(counts, ml, 0.0) if convention.small_volumes_are_zero else ml)
    return _number(float(np.median(np.abs(volumes[1] - volumes[0]))), len(cases))


def _limits(
    outcome: NDArray[np.str_], fold: NDArray[np.int_], convention: Convention, sd_multiplier: float
) -> dict[str, Any]:
    pooled = pooled_rate(outcome, fold, "balanced_accuracy", convention.folds_ddof)
    used = np.unique(fold).size - pooled.folds_left_out
    found = normal_interval(
        pooled, sd_multiplier / math.sqrt(used) if convention.interval_of_mean and used else sd_multiplier
    )
    return {"low": found.low, "high": found.high, "note": found.note}


def _pooled(pooled: Pooled, why: str) -> dict[str, Any]:
    if math.isnan(pooled.mean):
        return _number(None, pooled.n, why, pooled.undefined)
    return _number(pooled.mean, pooled.n, "", pooled.undefined) | {"sd": None if math.isnan(pooled.sd) else pooled.sd}


def _number(estimate: float | None, n: int, note: str = "", undefined: int = 0) -> dict[str, Any]:
    nothing = {"sd": None, "low": None, "high": None}
    return {"estimate": estimate, **nothing, "n": n, "undefined": undefined, "note": note}
