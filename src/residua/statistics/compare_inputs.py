"""Compare the input configurations of each network by Dice on the test set."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from residua.settings.classification import Classification
from residua.statistics.cases import by_person, positive
from residua.statistics.frames import ANSWER, tidy
from residua.statistics.range_test import range_test

COLUMNS = ("arch", "inputs_1", "inputs_2", "n_1", "n_2", "mean_difference", "low", "high", *ANSWER)


def compare_inputs(cases: pd.DataFrame, classification: Classification, alpha: float) -> pd.DataFrame:
    """Test the Dice (a fraction) of DSC-P on the test set between the input configurations of each network.

    By Tukey's range test: one row per network and pair, and none for a network with a single input configuration.
    A person with several scans enters once, with their mean.

    >>> models = {"inputs": ["A"] * 3 + ["B"] * 3, "dice": [0.9, 0.8, 0.85, 0.2, 0.3, 0.25]}
    >>> cases = pd.DataFrame({"arch": "nnunet", "split": "test", "reference_ml": 2.0, **models})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> (row,) = compare_inputs(cases, settings, alpha=0.05).to_dict("records")
    >>> row["inputs_1"], row["inputs_2"], round(row["mean_difference"], 3), row["significant"]
    ('A', 'B', 0.6, True)
    """
    rows = []
    for arch, of_arch in cases[cases["split"] == "test"].groupby("arch", sort=False):
        models = of_arch.groupby("inputs", sort=False)
        groups = {str(inputs): by_person(positive(of_inputs, classification), "dice") for inputs, of_inputs in models}
        for difference in range_test(groups, alpha):
            found = asdict(difference)
            rows.append({"arch": arch, "inputs_1": found.pop("first"), "inputs_2": found.pop("second"), **found})
    return tidy(rows, COLUMNS)
