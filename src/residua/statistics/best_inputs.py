"""With which inputs each network enters an experiment: those that the study names, or the best out of fold."""

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
    """The inputs by network, of the networks and in the order of ``cases``.

    ``choice`` names the inputs of each network, or ``out_of_fold``: those with the highest mean Dice of DSC-P on the
    validation sets for the experiments "segmentation" and "raters", with the highest pooled balanced accuracy for
    "classification"; the first wins a tie. The hold-out plays no part. Raises ``ResiduaError`` for a network without a
    choice, inputs that were not measured, and a best that nothing decides.
    """
    key = f"statistics.best_inputs.{experiment}"
    found = {}
    for arch, of_arch in cases.groupby("arch", sort=False):
        name = str(arch)
        measured = [str(inputs) for inputs in of_arch["inputs"].unique()]
        if name not in choice:
            raise ResiduaError(f"{key} lacks the network {name}; name its inputs, or {OUT_OF_FOLD}")
        if choice[name] == OUT_OF_FOLD:
            found[name] = _best(of_arch, experiment, classification, f"{key}.{name}")
        elif choice[name] in measured:
            found[name] = choice[name]
        else:
            raise ResiduaError(f"{key}.{name} names {choice[name]}, measured are {', '.join(measured)}")
    return found


def _best(of_arch: pd.DataFrame, experiment: str, classification: Classification, key: str) -> str:
    validation = of_arch[of_arch["split"] == "validation"]
    scores = {
        str(inputs): _score(cases, experiment, classification)
        for inputs, cases in validation.groupby("inputs", sort=False)
    }
    defined = {inputs: score for inputs, score in scores.items() if not math.isnan(score)}
    if not defined:
        lacking = "both classes" if experiment == "classification" else "residual tumour"
        raise ResiduaError(f"{key} cannot be chosen out of fold: no validation set has {lacking}; name the inputs")
    return max(defined, key=lambda inputs: defined[inputs])


def _score(cases: pd.DataFrame, experiment: str, classification: Classification) -> float:
    if experiment == "classification":
        return pooled_rate(outcomes_of(cases, classification), folds_of(cases), "balanced_accuracy").mean
    return pool_cases({0: positive(cases, classification)["dice"]}).mean
