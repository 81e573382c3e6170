"""Judge probability maps over all patients, and the decision on a patient by its volume or largest probability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from residua.metrics.classification import has_residual_tumor
from residua.metrics.map_metrics import MAP_METRICS, MapMetric
from residua.metrics.scored import scored_patients
from residua.statistics.frames import tidy

COLUMNS = (
    "arch",
    "inputs",
    "split",
    "level",
    "score",
    "measure",
    "estimate",
    "sd",
    "n",
    "n_positive",
    "undefined",
    "note",
)
_MODEL = ["arch", "inputs", "split"]
SCORES = {"predicted_volume": "predicted_ml", "largest_probability": "largest_probability"}
"""What may decide on a patient, and its column."""


def discrimination(cases: pd.DataFrame, maps: pd.DataFrame, residual_tumor_ml: float) -> pd.DataFrame:
    """Return one row per network, inputs, split, level, score and measure; null with the reason in ``note``.

    At the level ``voxels`` the estimate is the mean over patients (n), each within its brain; at ``patients`` patients
    are told apart who have residual tumour in the reference and who have not. A volume is no probability: it has no
    Brier score and no calibration. ``cases`` are the rows of results/metrics, ``maps`` those of results/probability.

    >>> model = {"arch": "nnunet", "inputs": "B", "split": "test"}
    >>> cases = pd.DataFrame({**model, "patient": ["P1", "P2"], "reference_ml": [2.0, 0.0], "predicted_ml": [1.0, 0.5]})
    >>> own = {"auroc": [0.9, None], "auprc": [0.8, None], "brier": [0.1, 0.2], "calibration_error": [0.1, 0.2]}
    >>> maps = pd.DataFrame({**model, "patient": ["P1", "P2"], **own, "largest_probability": [1.0, 0.0]})
    >>> found = discrimination(cases, maps, 0.175)
    >>> found.loc[found["measure"] == "auroc", ["level", "score", "estimate"]].values.tolist()
    [['voxels', 'probability', 0.9], ['patients', 'predicted_volume', 1.0], ['patients', 'largest_probability', 1.0]]
    """
    together = cases.merge(maps, on=[*_MODEL, "patient"], suffixes=("", "_of_map"))
    rows: list[dict[str, Any]] = []
    for names, of_model in together.groupby(_MODEL, sort=False):
        model = dict(zip(_MODEL, names, strict=True))
        positive = has_residual_tumor(of_model["reference_ml"], residual_tumor_ml)
        known = model | {"n_positive": int(positive.sum())}
        rows += [known | _of_voxels(metric, of_model[metric.name]) for metric in MAP_METRICS]
        rows += [known | row for row in _of_patients(of_model, positive)]
    return tidy(rows, COLUMNS).astype({"sd": "float64", "n_positive": "Int64"})


def _of_voxels(metric: MapMetric, values: pd.Series[float]) -> dict[str, Any]:
    defined = values.dropna()
    row = {"level": "voxels", "score": "probability", "measure": metric.name, "n": len(defined)}
    row["undefined"] = len(values) - len(defined)
    if defined.empty:
        return row | {"note": f"not estimable: in every patient {metric.undefined}"}
    spread = {"sd": float(defined.std(ddof=1)), "note": ""} if len(defined) > 1 else {"note": "one patient has no sd"}
    return row | {"estimate": float(defined.mean())} | spread


def _of_patients(of_model: pd.DataFrame, positive: Any) -> Iterator[dict[str, Any]]:
    for score, column in SCORES.items():
        scored = scored_patients(of_model[column], positive)
        for metric in MAP_METRICS:
            if score == "predicted_volume" and not metric.of_order:
                continue
            value = metric.function(scored)
            row = {"level": "patients", "score": score, "measure": metric.name, "n": len(of_model), "undefined": 0}
            if pd.isna(value):
                yield row | {"note": f"not estimable: patients {metric.undefined}"}
            else:
                yield row | {"estimate": value, "note": ""}
