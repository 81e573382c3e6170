"""Determine whether the intervals of two models overlap: the article's test of a difference in classification."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pandas as pd

from residua.statistics.frames import tidy

COLUMNS = ("split", "rate", "arch_1", "inputs_1", "arch_2", "inputs_2", "overlap", "significant", "note")


def overlaps(intervals: pd.DataFrame) -> pd.DataFrame:
    """Return one row per pair of models (network and inputs), split and rate of ``residua.statistics.intervals``.

    Two models differ significantly when their intervals do not overlap; intervals that touch do overlap. A pair is not
    comparable, hence null with the reason in ``note``, if one model has no interval. Non-overlap is stricter than a
    test of the difference at the same level: two intervals may overlap although such a test finds a difference.

    >>> limits = {"inputs": ["A", "B"], "low": [60.0, 81.0], "high": [80.0, 95.0]}
    >>> intervals = pd.DataFrame({"arch": "nnunet", "split": "test", "rate": "specificity", **limits})
    >>> overlaps(intervals)[["inputs_1", "inputs_2", "overlap", "significant"]].values.tolist()
    [['A', 'B', False, True]]
    """
    rows = [
        {"split": split, "rate": rate, **_pair(first, second)}
        for (split, rate), of_rate in intervals.groupby(["split", "rate"], sort=False)
        for first, second in combinations(of_rate.to_dict("records"), 2)
    ]
    return tidy(rows, COLUMNS)


def _pair(first: dict[Any, Any], second: dict[Any, Any]) -> dict[str, Any]:
    lacking = [which for which, of in (("first", first), ("second", second)) if pd.isna(of["low"])]
    overlap = None if lacking else first["low"] <= second["high"] and second["low"] <= first["high"]
    return {
        "arch_1": first["arch"],
        "inputs_1": first["inputs"],
        "arch_2": second["arch"],
        "inputs_2": second["inputs"],
        "overlap": overlap,
        "significant": None if overlap is None else not overlap,
        "note": f"not comparable: no interval of the {' and the '.join(lacking)} model" if lacking else "",
    }
