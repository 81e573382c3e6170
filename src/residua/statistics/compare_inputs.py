"""Compare the input configurations of each network by Dice on the test set."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from residua.settings.classification import Classification
from residua.statistics.cases import positive
from residua.statistics.frames import ANSWER, tidy
from residua.statistics.range_test import range_test

COLUMNS = ("arch", "inputs_1", "inputs_2", "n_1", "n_2", "mean_difference", "low", "high", *ANSWER)


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
    return tidy(rows, COLUMNS)
