"""Compare what networks find with every subset of their channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from residua.metrics.classification import count, rates
from residua.metrics.pooling import pool_cases
from residua.settings.classification import Classification
from residua.statistics.cases import RATES, outcomes_of, positive, read_cases


def compare_subsets(compared: Sequence[Mapping[str, Any]], classification: Classification) -> pd.DataFrame:
    """Return one row per network and subset on the hold-out, in the order of ``compared``.

    Each of ``compared`` has ``file``, the measurements, ``arch``, ``inputs`` and ``given``, the channels. Columns are
    arch, inputs, given, n, n_positive, dice of DSC-P (a fraction), and the rates in percent; null if undefined.

    >>> cases = {"split": "test", "reference_ml": [2.0, 0.0], "predicted_ml": [1.0, 0.0], "dice": [0.5, 1.0]}
    >>> pd.DataFrame(cases).to_parquet("any.parquet")
    >>> record = {"file": "any.parquet", "arch": "nnunet", "inputs": "any", "given": ["post_t1ce"]}
    >>> rows = compare_subsets([record], Classification(residual_tumor_ml=0.175, min_overlap_dice=0))
    >>> rows[["given", "n_positive", "dice", "specificity"]].values.tolist()
    [['post_t1ce', 1, 0.5, 100.0]]
    """
    rows = []
    for record in compared:
        every = read_cases([record["file"]])
        test = every[every["split"] == "test"]
        dice = pool_cases({0: positive(test, classification)["dice"]})
        found = rates(count(outcomes_of(test, classification)))
        names = {"arch": record["arch"], "inputs": record["inputs"], "given": ", ".join(record["given"])}
        numbers = {"n": len(test), "n_positive": dice.n + dice.undefined, "dice": dice.mean}
        rows.append({**names, **numbers, **{rate: getattr(found, rate) for rate in RATES}})
    return pd.DataFrame(rows)
