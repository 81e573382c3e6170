"""Compare the networks, each with its best input configuration, by Dice on the test set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from itertools import combinations

import pandas as pd

from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import by_person, positive
from residua.statistics.frames import ANSWER, tidy
from residua.statistics.mann_whitney import mann_whitney

_SAMPLES = ("n_1", "n_2", "median_1", "median_2", "u_statistic")
COLUMNS = ("arch_1", "inputs_1", "arch_2", "inputs_2", *_SAMPLES, *ANSWER)


def compare_architectures(
    cases: pd.DataFrame, choice: Mapping[str, str], classification: Classification, alpha: float
) -> pd.DataFrame:
    """Test the Dice (a fraction) of DSC-P on the test set between networks, with the Mann-Whitney U test.

    Each network enters with its best inputs for segmentation (``residua.statistics.best_inputs``). There is one row per
    pair of networks, and none for a single network.

    >>> models = {"arch": ["nnunet"] * 4 + ["agunet"] * 4, "dice": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]}
    >>> cases = pd.DataFrame({"inputs": "B", "split": "test", "reference_ml": 2.0, **models})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> (row,) = compare_architectures(cases, {"nnunet": "B", "agunet": "B"}, settings, alpha=0.05).to_dict("records")
    >>> row["arch_1"], row["arch_2"], row["u_statistic"], row["significant"]
    ('nnunet', 'agunet', 16.0, True)
    """
    best = best_inputs(cases, choice, "segmentation", classification)
    test = positive(cases[cases["split"] == "test"], classification)
    rows_of = {arch: test.loc[(test["arch"] == arch) & (test["inputs"] == of)] for arch, of in best.items()}
    # One value of each person: scans of one person are not independent.
    dice = {arch: by_person(of_arch, "dice") for arch, of_arch in rows_of.items()}
    rows = []
    for first, second in combinations(best, 2):
        names = {"arch_1": first, "inputs_1": best[first], "arch_2": second, "inputs_2": best[second]}
        rows.append({**names, **asdict(mann_whitney(dice[first], dice[second], alpha))})
    return tidy(rows, COLUMNS)
