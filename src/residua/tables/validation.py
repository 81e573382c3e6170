"""Build the tables of an external validation: scores beside the bundle's own, hospitals, calibration, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import NOT_AVAILABLE, number
from residua.tables.render import Cell, Table

_MEASURES = {
    "dice": "DSC-P (%)",
    "sensitivity": "Sensitivity (%)",
    "specificity": "Specificity (%)",
    "balanced_accuracy": "bAcc (%)",
}
_PARTS = {"holdout": "Hold-out", "out_of_fold": "Out of fold"}
_THRESHOLDS = {"bundle": "score", "recalibrated": "score with it", "difference": "gain"}
_SCORES = {
    "brier": "Brier score",
    "brier_of_prevalence": "Brier score of the prevalence alone",
    "expected_calibration_error": "Expected calibration error",
    "in_the_large": "In the large: observed − predicted",
}
Row = Mapping[Any, Any]


def external(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Hold the scores of the external cohort against those that each bundle states of its own patients."""
    rows = []
    for (inputs, arch), of_model in frame[frame["hospital"].isna()].groupby(["inputs", "arch"], sort=False):
        found = {(row["part"], row["measure"]): row for row in of_model.to_dict("records")}
        for measure, title in _MEASURES.items():
            parts = {name: found[name, measure] for name in dict.fromkeys(of_model["part"])}
            rows.append(
                {
                    **_model(str(inputs), str(arch), arch_labels),
                    "Measure": title,
                    "External": _cell(parts["external"]),
                    **{title: _cell(parts[name]) for name, title in _PARTS.items()},
                    **{f"Change from {title.lower()}": _change(parts, name) for name, title in _PARTS.items()},
                    "Note": _notes({_named(name): row for name, row in parts.items()}),
                }
            )
    caption = (
        "External validation: the bundles on the external cohort, beside what each states of its own hold-out and of "
        "its validation patients, out of fold. DSC-P: mean Dice of the patients with residual tumour in the reference. "
        f"In brackets: {_level(statistics)} intervals; BCa bootstrap over patients, and out of fold, for rates, normal "
        "over the folds. Change: external − own, in points, its interval from both (Zou and Donner 2008), as "
        "they have no patient in common. n: patients behind a number."
    )
    return _table(rows, caption)


def hospitals(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the scores of every hospital of the external cohort, and of all together."""
    rows = []
    for (inputs, arch), of_model in frame[frame["part"] == "external"].groupby(["inputs", "arch"], sort=False):
        whole = of_model[of_model["hospital"].isna()]
        for name, own in (*of_model.groupby("hospital", sort=True), ("all", whole)):
            by_measure = {row["measure"]: row for row in own.to_dict("records")}
            rows.append(
                {
                    **_model(str(inputs), str(arch), arch_labels),
                    "Hospital": str(name),
                    "Patients": int(own["patients"].iloc[0]),
                    "RT": int(own["positive"].iloc[0]),
                    **{title: _cell(by_measure[measure]) for measure, title in _MEASURES.items()},
                    "Note": _notes({_MEASURES[m].removesuffix(" (%)"): row for m, row in by_measure.items()}),
                }
            )
    caption = (
        "External validation: hospitals. RT: patients with residual tumour in the reference. DSC-P: their mean Dice. "
        f"In brackets: {_level(statistics)} BCa bootstrap intervals over patients. n/a: a number would rest on no "
        "patient of a class, or on a single one; the note says which. A hospital has few patients: read the interval."
    )
    return _table(rows, caption)


def recalibration(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Compare the threshold of each bundle with one that a part of the external cohort chose."""
    rows = []
    for (inputs, arch, measure), own in frame.groupby(["inputs", "arch", "measure"], sort=False):
        by_threshold = {row["which"]: row for row in own.to_dict("records")}
        first = by_threshold["bundle"]
        rows.append(
            {
                **_model(str(inputs), str(arch), arch_labels),
                "Measure": _MEASURES[str(measure)],
                "Threshold": f"{first['threshold_1']:g}",
                "Score": _cell(by_threshold["bundle"]),
                "Chosen anew": Cell(f"{first['threshold_2']:g}", int(first["drawn"])),
                "Score with it": _cell(by_threshold["recalibrated"]),
                "Gain": _cell(by_threshold["difference"]),
                "Note": _notes({_THRESHOLDS[which]: row for which, row in by_threshold.items()}),
            }
        )
    caption = (
        "External validation: recalibration. The threshold was chosen anew on a part of the external cohort (n), by "
        "the rule of the study. Both thresholds are measured on the rest alone, which did not choose. Gain: chosen "
        f"anew − bundle's, in points, of the same patients. In brackets: {_level(statistics)} BCa bootstrap intervals "
        "over patients; that of the gain resamples their differences."
    )
    cautions = frame[["inputs", "arch", "caution"]].drop_duplicates().to_dict("records")
    names = [f"{arch_labels.get(row['arch'], row['arch'])} {row['inputs']}: {row['caution']}" for row in cautions]
    notes = [name for name, row in zip(names, cautions, strict=True) if row["caution"]]
    return replace(_table(rows, caption), notes=tuple(notes)) if rows else _table(rows, caption)


def calibration(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Show how reliable the bundles' probabilities of residual tumour are on the external cohort."""
    rows = [
        {
            **_model(row["inputs"], row["arch"], arch_labels),
            "Score": _SCORES[row["measure"]],
            "External": _cell({**row, "undefined": 0}, 3),
            "Own, out of fold": _number(row["stated"], row["stated_low"], row["stated_high"], 3),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "External validation: the probability of residual tumour that each bundle tells from the predicted volume, "
        "beside what the bundle found on its own out-of-fold patients. Brier score: mean squared difference of "
        "probability and class, 0 is perfect. In the large: the share of patients with residual tumour minus the mean "
        f"probability; above 0, too little was told. In brackets: {_level(statistics)} percentile bootstrap intervals "
        "over patients."
    )
    return _table(rows, caption)


def reliability(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the patients of similar probability: what was told, and what was seen."""
    rows = [
        {
            **_model(row["inputs"], row["arch"], arch_labels),
            "Told (%)": number(100 * row["predicted"], 1),
            "Seen (%)": Cell(number(100 * row["observed"], 1), int(row["n"])),
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "External validation: patients of similar probability, from the lowest to the highest. Told: their mean "
        "probability of residual tumour; seen: the share with residual tumour in the reference."
    )
    return _table(rows, caption)


def _named(part: str) -> str:
    """Return what a part is called in a note."""
    return " ".join(_PARTS.get(word, word).lower() for word in part.split(" "))


def _model(inputs: str, arch: str, arch_labels: Mapping[str, str]) -> dict[str, object]:
    return {"Input": inputs, "Arch.": arch_labels.get(arch, arch)}


def _cell(row: Row, decimals: int = 2) -> Cell:
    """Print an estimate with its interval; neither where a class has a single patient."""
    estimate = float("nan") if _rests_on_one(row) else row["estimate"]
    n, undefined = int(row["n"]), int(row["undefined"])
    return Cell(_number(estimate, row["low"], row["high"], decimals), n, undefined)


def _change(parts: Mapping[str, Row], name: str) -> str:
    """Print the change from a part of the bundle's study; n/a where one of the two numbers is."""
    row = parts[f"change from {name}"]
    if _rests_on_one(parts["external"]) or _rests_on_one(parts[name]):
        return NOT_AVAILABLE
    return _number(row["estimate"], row["low"], row["high"])


def _rests_on_one(row: Row) -> bool:
    return any(f"one {who} only" in row["note"] for who in ("patient", "person"))


def _number(estimate: float, low: float, high: float, decimals: int = 2) -> str:
    if pd.isna(estimate):
        return NOT_AVAILABLE
    limits = "" if pd.isna(low) else f" [{number(low, decimals)}, {number(high, decimals)}]"
    return f"{number(estimate, decimals)}{limits}"


def _notes(rows: Mapping[str, Row]) -> str:
    """Join the reasons, each once, with the numbers that have it."""
    names: dict[str, list[str]] = {}
    for name, row in rows.items():
        names.setdefault(row["note"], []).append(name)
    return "; ".join(f"{', '.join(of)}: {reason}" for reason, of in names.items() if reason)


def _table(rows: Sequence[Mapping[str, object]], caption: str) -> Table:
    if not rows:
        return Table(pd.DataFrame(columns=["Input", "Arch."]), caption, ("No rows: there is nothing to show.",))
    frame = pd.DataFrame(list(rows), dtype=object)
    return Table(frame if "Note" not in frame or any(frame["Note"]) else frame.drop(columns="Note"), caption)


def _level(statistics: Statistics) -> str:
    return f"{100 * (1 - statistics.alpha):g} %"
