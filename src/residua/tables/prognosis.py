"""Build the tables of the prognosis: hazard ratios, and the survival of groups with the numbers at risk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import NOT_AVAILABLE, number, p_value
from residua.tables.parts import level, model_of, table_of
from residua.tables.render import Cell, Table

MANUAL = "Manual"
_PREDICTORS = {
    "log_volume": "Residual volume, by ln(1 + ml)",
    "gross_total": "GTR against residual tumour",
    "extent": "Extent of resection, by 10 points",
}
_NONE = "no patient's survival is known."
_NOT_REACHED = "not reached"


def prognosis(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the hazard ratio of every predictor, by the manual segmentation and by every network."""
    rows = [
        {
            "Predictor": _PREDICTORS[row["predictor"]],
            "By": _source(row, arch_labels),
            "Deaths": f"{row['deaths']} of {row['n']}",
            f"Hazard ratio [{level(statistics)} interval]": Cell(_ratio(row), row["n"], row["unknown"]),
            "p": p_value(row["p_value"]),
            "Concordance": number(row["concordance"]),
            "p, log-rank": p_value(row["log_rank_p"]) if row["predictor"] == "gross_total" else "",
            "p, proportional hazards": p_value(row["steady_p"]),
            "Note": _note(row),
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Supplement: prognosis (not in the article). Hazard ratio of death by one predictor at a time, by the manual "
        "segmentation and by each network's best inputs (for segmentation; of GTR for classification), on the same "
        f"patients{_not_judged(frame)}. Out-of-fold and hold-out predictions together, a baseline hazard for each of "
        "the two (Cox, Efron's way with ties, Wald's interval and p). n: patients; undefined: their survival is not "
        "known. Concordance: Harrell's, of the fitted risk, within each of the two. Log-rank test: stratified alike. "
        "Proportional hazards: scaled Schoenfeld residuals against ranks of time; a low p speaks against a ratio that "
        "is steady over time. "
        f"GTR: less than the study's cut. Not adjusted for age or treatment.{_further(frame)}"
    )
    return table_of(rows, caption, ("Predictor", "By"), _NONE)


def survival(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the survival of patients with and without residual tumour, with the numbers at risk."""
    months = [name.removeprefix("at_risk_") for name in frame.columns if name.startswith("at_risk_")]
    rows = [
        {
            "By": _source(row, arch_labels),
            "Group": str(row["group"]).capitalize(),
            "Deaths": f"{row['deaths']} of {row['n']}",
            "Median (days)": _median(row),
            **{f"{each} months (%)": _survival(row, each) for each in months},
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Supplement: survival after surgery (Kaplan-Meier; not in the article) of patients with and without residual "
        "tumour by the manual segmentation and by each network's best inputs for classification, out-of-fold and "
        f"hold-out predictions together. {level(statistics)} intervals of the logarithm of the cumulative hazard. n: "
        "patients at risk then. A median that is not reached: more than half survive as long as anybody was followed."
    )
    return table_of(rows, caption, ("By", "Group"), _NONE)


def _source(row: Mapping[Any, Any], arch_labels: Mapping[str, str]) -> str:
    return model_of({**row, "arch": row["source"]}, arch_labels) if row["inputs"] else MANUAL


def _ratio(row: Mapping[Any, Any]) -> str:
    ends = [number(row[name]) for name in ("ratio", "low", "high")]
    return NOT_AVAILABLE if pd.isna(row["ratio"]) else f"{ends[0]} [{ends[1]}, {ends[2]}]"


def _note(row: Mapping[Any, Any]) -> str:
    reasons = {"hazard ratio": row["note"], "log-rank": row["log_rank_note"]}
    for what, name in (("concordance", "concordance_note"), ("proportional hazards", "steady_note")):
        if row[name] != row["note"]:
            reasons[what] = row[name]
    return "; ".join(f"{what}: {why}" for what, why in reasons.items() if why)


def _not_judged(frame: pd.DataFrame) -> str:
    most = 0 if frame.empty else int(frame["not_judged"].max())
    return f", whom all of them judge: up to {most} more are left out of every row of a predictor" if most else ""


def _further(frame: pd.DataFrame) -> str:
    further = 0 if frame.empty else int(frame["further_scans"].max())
    if not further:
        return ""
    return f" A person counts once, by the scan that was followed longest: {further} further scan(s) are left out."


def _median(row: Mapping[Any, Any]) -> str:
    if not row["n"]:
        return NOT_AVAILABLE
    if pd.isna(row["median"]):
        return _NOT_REACHED
    # Where half have died, a lower limit that is missing has no estimate; an upper one may lie after the follow-up.
    ends = ((row["median_low"], NOT_AVAILABLE), (row["median_high"], _NOT_REACHED))
    low, high = (missing if pd.isna(day) else f"{day:.0f}" for day, missing in ends)
    return f"{row['median']:.0f} [{low}, {high}]"


def _survival(row: Mapping[Any, Any], months: str) -> Cell:
    at_risk = int(row[f"at_risk_{months}"])
    if pd.isna(row[f"survival_{months}"]):
        return Cell(NOT_AVAILABLE, at_risk)
    middle = number(100 * row[f"survival_{months}"], 1)
    if pd.isna(row[f"low_{months}"]):
        return Cell(middle, at_risk)
    low, high = (number(100 * row[f"{end}_{months}"], 1) for end in ("low", "high"))
    return Cell(f"{middle} [{low}, {high}]", at_risk)
