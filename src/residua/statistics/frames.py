"""Put results of statistics into tidy frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pandas as pd

Kind = Literal["object", "Int64", "float64", "boolean"]
ANSWER = ("p_value", "significant", "note")
"""Columns of the answer of a test."""

_COUNTS = (
    *("n", "n_1", "n_2", "undefined", "persons", "hospitals", "freedom", "n_positive", "n_negative"),
    *("first_alone", "second_alone", "differing", "patients", "groups", "groups_left_out"),
)
_NUMBERS = (
    *("estimate", "low", "high", "mean_difference", "median_1", "median_2", "u_statistic", "p_value", "p_holm"),
    *("hospital_low", "hospital_high", "person_low", "person_high", "w_plus", "cliffs_delta", "rank_biserial"),
    *("sd_of_differences", "detectable", "chi_squared", "kendalls_w", "margin"),
    *("auroc", "auroc_difference", "auroc_low", "auroc_high", "auroc_p_value", "auroc_p_holm"),
    *("equivalence_p_value", "equivalence_low", "equivalence_high", "pooled", "nested", "optimism", "sd", "difference"),
    *("raters", "rank", "rank_low", "rank_high", "ahead", "ahead_low", "ahead_high"),
    *("statistic", "q", "tau", "i_squared", "prediction_low", "prediction_high"),
)
_ANSWERS = ("overlap", "significant", "auroc_significant", "equivalent")


def tidy(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """Put ``rows`` into a frame of ``columns`` whose types do not depend on the rows; None becomes null.

    >>> tidy([{"rate": "recall", "n": None}], ("rate", "n")).dtypes.astype(str).tolist()
    ['object', 'Int64']
    """
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype({column: _kind(column) for column in columns})


def _kind(column: str) -> Kind:
    if column in _COUNTS:
        return "Int64"
    if column in _NUMBERS:
        return "float64"
    return "boolean" if column in _ANSWERS else "object"
