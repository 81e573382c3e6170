"""Summarise the Dice of the hospitals, and how far they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import positive
from residua.statistics.frames import tidy
from residua.statistics.random_effects import random_effects
from residua.statistics.subgroup_tests import large_enough, values_of_persons
from residua.statistics.subgroups import Judged, estimable

COLUMNS = (
    *("split", "arch", "inputs", "hospitals", "left_out", "n", "estimate", "low", "high"),
    *("prediction_low", "prediction_high", "tau", "q", "freedom", "p_value", "i_squared", "note"),
)


def between_hospitals(models: list[Judged], classification: Classification, statistics: Statistics) -> pd.DataFrame:
    """Return one row per network and split: mean Dice of DSC-P over the hospitals, and how far these differ.

    The random-effects summary takes hospitals with at least ``statistics.least_in_subgroup`` persons whose Dice is not
    the same for all; ``left_out`` names the others.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> how = Statistics(**numbers, best_inputs=best, subgroups=("sex",), least_in_subgroup=2)
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> patients = {"patient": ["P1", "P2", "P3", "P4"], "hospital": ["STO", "STO", "GOT", "GOT"]}
    >>> cases = pd.DataFrame({**patients, "reference_ml": 2.0, "dice": [0.8, 0.7, 0.3, 0.4]})
    >>> models = [Judged("nnunet", "B", "segmentation", "validation", cases)]
    >>> (row,) = between_hospitals(models, rule, how).to_dict("records")
    >>> row["hospitals"], round(row["estimate"], 2), round(row["q"], 2)
    (2, 0.55, 32.0)
    """
    segmenting = [model for model in models if model.experiment == "segmentation"]
    return tidy([_row(model, classification, statistics) for model in segmenting], COLUMNS)


def _row(model: Judged, classification: Classification, statistics: Statistics) -> dict[str, Any]:
    cases = positive(model.cases, classification)
    of_persons = values_of_persons(cases.assign(value=cases["dice"]), cases["hospital"])
    taken = estimable(of_persons["value"], of_persons["group"], statistics.least_in_subgroup)
    used = {name: of for name, of in taken.items() if np.ptp(of)}
    means, variances = [of.mean() for of in used.values()], [of.var(ddof=1) / of.size for of in used.values()]
    found = random_effects(means, variances, statistics.alpha)
    everyone = sorted({str(hospital) for hospital in model.cases["hospital"]})
    return {
        **{"split": model.split, "arch": model.arch, "inputs": model.inputs, **vars(found)},
        "left_out": ", ".join(name for name in everyone if name not in used),
        "n": sum(of.size for of in used.values()),
        "note": f"{found.note} {large_enough(cases, statistics)}" if len(used) < 2 else found.note,
    }
