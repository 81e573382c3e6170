"""Determine the input configuration with which each network enters an experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from residua.errors import ResiduaError
from residua.metrics.pooling import pool_cases
from residua.settings.classification import Classification
from residua.settings.statistics import OUT_OF_FOLD
from residua.statistics.cases import folds_of, outcomes_of, pooled_rate, positive


def best_inputs(
    cases: pd.DataFrame, choice: Mapping[str, str], experiment: str, classification: Classification
) -> dict[str, str]:
    """Return the input configuration of each network, in the order of ``cases``.

    ``choice`` names it for each network, or is ``out_of_fold``: the highest mean Dice of DSC-P on the validation sets
    for the experiments "segmentation" and "raters", the highest pooled balanced accuracy for "classification". Only the
    patients that all input configurations of the network have are compared: otherwise the one that lacks the hard
    patients would win. The first wins a tie; the hold-out is not used. Raises ``ResiduaError`` for a network without a
    choice, a choice that was not measured, and one for which no validation set has a score or no patient is shared.

    >>> dice = {"inputs": ["A", "B"], "patient": "STO1", "dice": [0.4, 0.6]}
    >>> cases = pd.DataFrame({"arch": "nnunet", "split": "validation", "fold": 0, "reference_ml": 2.0, **dice})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> best_inputs(cases, {"nnunet": "out_of_fold"}, "segmentation", settings)
    {'nnunet': 'B'}
    """
    key = f"statistics.best_inputs.{experiment}"
    chosen = {}
    for arch, of_arch in cases.groupby("arch", sort=False):
        name = str(arch)
        measured = [str(inputs) for inputs in of_arch["inputs"].unique()]
        if name not in choice:
            raise ResiduaError(
                f"{key} does not name the network {name}; give its input configuration, or {OUT_OF_FOLD}"
            )
        if choice[name] == OUT_OF_FOLD and len(measured) == 1:
            chosen[name] = measured[0]
        elif choice[name] == OUT_OF_FOLD:
            chosen[name] = _best(of_arch, experiment, classification, f"{key}.{name}")
        elif choice[name] in measured:
            chosen[name] = choice[name]
        else:
            raise ResiduaError(
                f"{key}.{name} names {choice[name]}, which was not measured; choose one of {', '.join(measured)}"
            )
    return chosen


def _best(of_arch: pd.DataFrame, experiment: str, classification: Classification, key: str) -> str:
    validation = of_arch[of_arch["split"] == "validation"]
    shared = _of_shared_patients(validation, key)
    scores = {
        str(inputs): score_of(cases, experiment, classification)
        for inputs, cases in shared.groupby("inputs", sort=False)
    }
    defined = {inputs: score for inputs, score in scores.items() if not math.isnan(score)}
    if not defined:
        lacking = "both classes" if experiment == "classification" else "residual tumour"
        which = "" if len(shared) == len(validation) else " among the patients that all its input configurations have"
        raise ResiduaError(
            f"{key} cannot be chosen out of fold: no validation set has {lacking}{which}; name an input configuration "
            "instead"
        )
    return max(defined, key=lambda inputs: defined[inputs])


def _of_shared_patients(validation: pd.DataFrame, key: str) -> pd.DataFrame:
    """Select the rows of the patients that all input configurations have."""
    patients = [set(cases["patient"]) for _, cases in validation.groupby("inputs", sort=False)]
    shared = set.intersection(*patients) if patients else set()
    if patients and not shared:
        names = ", ".join(str(inputs) for inputs in validation["inputs"].unique())
        raise ResiduaError(
            f"{key} cannot be chosen out of fold: no validation patient has all input configurations ({names}), so "
            "that they cannot be compared on the same patients; name an input configuration instead"
        )
    return validation[validation["patient"].isin(shared)]


def score_of(cases: pd.DataFrame, experiment: str, classification: Classification) -> float:
    """Return what the choice maximises: mean Dice of DSC-P (a fraction), or pooled balanced accuracy (percent).

    >>> cases = pd.DataFrame({"reference_ml": [2.0, 2.0, 0.0], "dice": [0.4, 0.6, 0.0]})
    >>> score_of(cases, "segmentation", Classification(residual_tumor_ml=0.175, min_overlap_dice=0))
    0.5
    """
    if experiment == "classification":
        return pooled_rate(outcomes_of(cases, classification), folds_of(cases), "balanced_accuracy", 0).mean
    return pool_cases({0: positive(cases, classification)["dice"]}).mean
