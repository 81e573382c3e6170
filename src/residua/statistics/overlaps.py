"""Whether the intervals of two models overlap: the article's test of a difference in classification."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pandas as pd

from residua.statistics.frames import tidy

COLUMNS = ("split", "rate", "arch_1", "inputs_1", "arch_2", "inputs_2", "overlap", "significant", "note")


def overlaps(intervals: pd.DataFrame) -> pd.DataFrame:
    """One row for every pair of models (network and inputs), split and rate of ``residua.statistics.intervals``.

    Two models differ significantly when their intervals do not overlap; intervals that touch overlap. A pair of which
    one has no interval is not comparable: null, with the reason in ``note``. Non-overlap is stricter than a test of the
    difference at the same level: two intervals may overlap although such a test would find a difference.
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
