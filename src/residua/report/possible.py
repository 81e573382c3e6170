"""Tell tests that found no difference from tests of so few patients that none could be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from residua.statistics.holm import with_holm


def with_smallest(frame: pd.DataFrame, family: Sequence[str], alpha: float) -> pd.DataFrame:
    """Add ``smallest``: the smallest corrected p that the patients of each test could have given, NaN without a test.

    ``frame`` has a row per test of Wilcoxon (``differing``) or of McNemar (``first_alone``, ``second_alone``). If all n
    patients who differ favour the same side, p is 2^(1 − n). Holm's method corrects over rows with the same ``family``.

    >>> tests = pd.DataFrame({"family": "networks", "differing": [6, 6, 9, 0], "p_value": [0.03, 0.2, 0.01, None]})
    >>> with_smallest(tests, ["family"], alpha=0.05)["smallest"].tolist()
    [0.0625, 0.0625, 0.01171875, nan]
    """
    rows = [{**{name: row[name] for name in family}, "least": _least(row)} for row in frame.to_dict("records")]
    made = with_holm(rows, family, alpha, ("least", "smallest", "possible"))
    return frame.assign(smallest=pd.Series([row["smallest"] for row in made], index=frame.index, dtype=float))


def _least(row: Mapping[Any, Any]) -> float | None:
    if pd.isna(row["p_value"]):
        return None
    differing = row["differing"] if "differing" in row else row["first_alone"] + row["second_alone"]
    return 2.0 ** (1 - int(differing))


def impossible(rows: Sequence[Mapping[Any, Any]], alpha: float) -> list[Mapping[Any, Any]]:
    """Select the tests that could not be significant at ``alpha``, whatever their patients show.

    >>> impossible([{"smallest": 0.03125}, {"smallest": 0.0625}, {"smallest": float("nan")}], alpha=0.05)
    [{'smallest': 0.0625}]
    """
    return [row for row in rows if row["smallest"] >= alpha]


def smallest_in_words(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Return the p below which no test of ``rows`` can come.

    >>> smallest_in_words([{"smallest": 0.1875}, {"smallest": 0.0625}])
    '0.0625'
    """
    return f"{min(row['smallest'] for row in rows):.4g}"
