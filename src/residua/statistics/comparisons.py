"""Dice on the test set compared: the inputs of one network, and the networks with their best inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import combinations

import pandas as pd

from residua.settings.study import Classification
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import positive
from residua.statistics.frames import tidy
from residua.statistics.mann_whitney import mann_whitney
from residua.statistics.range_test import range_test

_ANSWER = ("p_value", "significant", "note")
_SAMPLES = ("n_1", "n_2", "median_1", "median_2", "u_statistic")
COLUMNS_OF_INPUTS = ("arch", "inputs_1", "inputs_2", "n_1", "n_2", "mean_difference", "low", "high", *_ANSWER)
COLUMNS_OF_ARCHITECTURES = ("arch_1", "inputs_1", "arch_2", "inputs_2", *_SAMPLES, *_ANSWER)


def compare_inputs(cases: pd.DataFrame, classification: Classification, alpha: float) -> pd.DataFrame:
    """Tukey's range test of the Dice (a fraction) of DSC-P's patients of the test set, over the inputs of each network.

    One row for each network and pair of inputs; no row where a network has one inputs only.
    """
    rows = []
    for arch, of_arch in cases[cases["split"] == "test"].groupby("arch", sort=False):
        models = of_arch.groupby("inputs", sort=False)
        groups = {str(inputs): positive(of_inputs, classification)["dice"] for inputs, of_inputs in models}
        for difference in range_test(groups, alpha):
            found = asdict(difference)
            rows.append({"arch": arch, "inputs_1": found.pop("first"), "inputs_2": found.pop("second"), **found})
    return tidy(rows, COLUMNS_OF_INPUTS)


def compare_architectures(
    cases: pd.DataFrame, choice: Mapping[str, str], classification: Classification, alpha: float
) -> pd.DataFrame:
    """Mann-Whitney U test of the Dice (a fraction) of DSC-P's patients of the test set, between networks.

    Each network enters with its best inputs for segmentation (``residua.statistics.best_inputs``). One row for each
    pair of networks; none where there is one network only.
    """
    best = best_inputs(cases, choice, "segmentation", classification)
    test = positive(cases[cases["split"] == "test"], classification)
    dice = {arch: test.loc[(test["arch"] == arch) & (test["inputs"] == of), "dice"] for arch, of in best.items()}
    rows = []
    for first, second in combinations(best, 2):
        names = {"arch_1": first, "inputs_1": best[first], "arch_2": second, "inputs_2": best[second]}
        rows.append({**names, **asdict(mann_whitney(dice[first], dice[second], alpha))})
    return tidy(rows, COLUMNS_OF_ARCHITECTURES)
