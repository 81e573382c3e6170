"""Summarise the measurements of all cases, and of subgroups of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from residua.metrics.classification import count, outcomes, rates
from residua.metrics.registry import METRICS, Metric

COLUMNS = (
    *("covariate", "group", "cases", "metric", "unit", "n", "undefined", "mean", "sd", "median", "q1", "q3", "total"),
    "note",
)
_PATIENT_RATES = ("recall", "precision", "f1", "specificity", "balanced_accuracy")


def summarise(cases: pd.DataFrame, groups: Mapping[str, Mapping[str, str]], residual_tumor_ml: float) -> pd.DataFrame:
    """Return one row per group and metric: the n defined values, the undefined ones, mean, sd over n - 1, quartiles.

    The first group is all cases; ``groups`` holds that of each case by covariate. ``patient_…`` are rates in percent of
    cases as patients, who have residual tumour from ``residual_tumor_ml``. ``note`` says why a number is missing.

    >>> from residua.evaluation.folders import evaluate_folders
    >>> from residua.images.volumes import Grid, Image, save
    >>> for folder in ("reference", "prediction"):
    ...     save(Image(np.ones((2, 2, 2), dtype=bool), Grid((2, 2, 2), np.eye(4))), f"{folder}/case1.nii.gz")
    >>> table = summarise(evaluate_folders("reference", "prediction").cases, {"sex": {"case1": "f"}}, 0.001)
    >>> table.loc[table["metric"] == "dice", ["covariate", "group", "n", "mean"]].values.tolist()
    [['', 'all', 1, 1.0], ['sex', 'f', 1, 1.0]]
    """
    rows = list(_rows("", "all", cases, residual_tumor_ml))
    for covariate, by_case in groups.items():
        group = cases["case"].map(by_case)
        for name in sorted(group.unique()):
            rows += _rows(covariate, name, cases[group == name], residual_tumor_ml)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(covariate: str, group: str, cases: pd.DataFrame, residual_tumor_ml: float) -> Iterator[dict[str, Any]]:
    where = {"covariate": covariate, "group": group, "cases": len(cases)}
    for metric in METRICS:
        values = cases[metric.name].dropna()
        yield where | {"undefined": len(cases) - len(values)} | _row(metric, values)
    reference_ml, predicted_ml = cases["reference_ml"], cases["predicted_ml"]
    found = rates(count(outcomes(reference_ml, predicted_ml, residual_tumor_ml)))
    for name in _PATIENT_RATES:
        missing = name in found.undefined
        row = {"metric": f"patient_{name}", "unit": "%", "n": len(cases), "undefined": 0}
        yield where | row | ({"note": found.undefined[name]} if missing else {"mean": getattr(found, name)})


def _row(metric: Metric, values: pd.Series[float]) -> dict[str, Any]:
    row = {"metric": metric.name, "unit": metric.unit, "n": len(values)}
    if values.empty:
        return row | {"note": "undefined in every case"}
    q1, median, q3 = np.percentile(values, (25, 50, 75))
    total = {"total": int(values.sum())} if metric.unit == "lesions" else {}
    spread = {"sd": values.std(ddof=1)} if len(values) > 1 else {"note": "one value has no sd"}
    return row | {"mean": values.mean(), "median": median, "q1": q1, "q3": q3} | total | spread
