"""Judge survival by residual volume, gross total resection and extent of resection (stage ``analyse_survival``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from residua.prognosis.patients import PREDICTORS, Followed, followed
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases
from residua.statistics.cox import cox, log_rank
from residua.statistics.kaplan_meier import DAYS_OF_A_MONTH, kaplan_meier, survival_at

MONTHS = (6, 12, 18, 24)
"""After these the numbers at risk and the survival are stated."""
GROUPS = {1.0: "gross total resection", 0.0: "residual tumour"}


def analyse_survival(
    metrics: Sequence[str],
    survival: Mapping[str, tuple[float, bool]],
    before_ml: Mapping[str, float],
    choices: Mapping[str, Mapping[str, str]],
    classification: Classification,
    alpha: float,
) -> dict[str, pd.DataFrame]:
    """Return the frames ``prognosis`` (hazard ratios), ``survival`` (groups in numbers) and ``curves`` (Kaplan-Meier).

    Each predictor is judged by the reference and by every network, on the same patients; ``choices`` holds the inputs
    of the networks by experiment. The study's own predictions are out of fold or of the hold-out, so that all patients
    take part, with a baseline hazard for each of the two splits.

    >>> case = {"arch": "nnunet", "inputs": "B", "split": "validation", "fold": 0, "hospital": "STO", "dice": 0.5}
    >>> left = {"patient": ["P1", "P2", "P3", "P4"], "reference_ml": [0.0, 4.0, 0.0, 4.0]}
    >>> pd.DataFrame({**case, **left, "predicted_ml": 1.0}).to_parquet("B.parquet")
    >>> survival = {"P1": (90, True), "P2": (60, True), "P3": (80, False), "P4": (85, True)}
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> choices = dict.fromkeys(("segmentation", "classification"), {"nnunet": "B"})
    >>> found = analyse_survival(["B.parquet"], survival, {}, choices, settings, 0.05)
    >>> found["prognosis"][["predictor", "source", "n", "deaths", "note"]].values.tolist()[1]
    ['log_volume', 'nnunet', 4, 3, 'not estimable: all patients have the same value']
    """
    cases = read_cases(metrics)
    rows, groups, curves = [], [], []
    for predictor in PREDICTORS:
        if predictor.name == "extent" and not before_ml:
            continue
        choice = choices[predictor.experiment]
        patients = followed(cases, survival, before_ml, predictor, choice, classification)
        for source in patients.values:
            names = {"source": source, "inputs": patients.inputs.get(source, "")}
            rows.append({"predictor": predictor.name, **names, **_hazard(patients, source, predictor.name, alpha)})
            if predictor.name == "gross_total":
                for value, group in GROUPS.items():
                    curve, summary = _group(patients, source, value, alpha)
                    groups.append({**names, "group": group, **summary})
                    curves.append(pd.DataFrame({**names, "group": group, **curve}))
    return {"prognosis": pd.DataFrame(rows), "survival": pd.DataFrame(groups), "curves": pd.concat(curves)}


def _hazard(patients: Followed, source: str, predictor: str, alpha: float) -> dict[str, Any]:
    rows, values = patients.rows, patients.values[source]
    how = (rows["days"], rows["death"], values)
    chi_squared, log_rank_p, why = log_rank(*how, rows["split"]) if predictor == "gross_total" else (None, None, "")
    found = {
        "n": len(rows),
        "deaths": int(rows["death"].sum()),
        "not_judged": patients.not_judged,
        "unknown": patients.unknown,
        "further_scans": patients.further_scans,
        **asdict(cox(*how, rows["split"], alpha)),
        "chi_squared": chi_squared,
        "log_rank_p": log_rank_p,
        "log_rank_note": why,
    }
    return {name: np.nan if value is None else value for name, value in found.items()}


def _group(patients: Followed, source: str, value: float, alpha: float) -> tuple[pd.DataFrame, dict[str, Any]]:
    rows = patients.rows[patients.values[source] == value]
    curve, median = kaplan_meier(rows["days"], rows["death"], alpha)
    summary: dict[str, Any] = {"n": len(rows), "deaths": int(rows["death"].sum())}
    ends = {"median": median.days, "median_low": median.low, "median_high": median.high}
    summary |= {name: np.nan if day is None else day for name, day in ends.items()}
    for months in MONTHS:
        at_risk, survival, low, high = survival_at(curve, months * DAYS_OF_A_MONTH)
        summary |= {f"at_risk_{months}": at_risk, f"survival_{months}": survival}
        summary |= {f"low_{months}": low, f"high_{months}": high}
    return curve, summary
