"""Tell how far the choice of a convention of evaluation moves the numbers of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.report.facts import SETS
from residua.report.findings import Finding
from residua.report.wording import counted

_PERCENT = {
    "dsc_p": "DSC-P",
    "dsc_tp": "DSC-TP",
    "recall": "recall",
    "precision": "precision",
    "f1": "F1",
    "specificity": "specificity",
    "balanced_accuracy": "balanced accuracy",
}
"""Measures in percent, which can be compared with each other."""


def conventions(frame: pd.DataFrame | None, labels: Mapping[str, str]) -> Finding | None:
    """Name what each convention moves most; None for a run that compares none."""
    if frame is None or frame.empty:
        return None
    first, *others = frame["convention"].unique()
    sentences = [_sentence(frame[frame["convention"] == name], name, first, labels) for name in others]
    return Finding("How far does the choice of convention move the numbers?", tuple(sentences))


def _sentence(rows: pd.DataFrame, name: str, first: str, labels: Mapping[str, str]) -> str:
    moved = rows[rows["measure"].isin(list(_PERCENT))].dropna(subset=["difference"])
    if moved.empty:
        return f"By {name} no number can be compared with that by {first}."
    row = moved.iloc[int(moved["difference"].abs().to_numpy().argmax())].to_dict()
    return f"By {name} {_what_moved(row, first, labels)} {_thresholds(rows, first)}"


def _what_moved(row: Mapping[Any, Any], first: str, labels: Mapping[str, str]) -> str:
    now, before = (f"{each:.2f} %" for each in (row["estimate"], row["estimate"] - row["difference"]))
    if now == before:
        return f"no number in percent differs from that by {first}."
    model = f"{labels.get(row['arch'], row['arch'])} {row['inputs']}"
    what = f"the {_PERCENT[row['measure']]} of {model} ({SETS[row['split']]})"
    return f"{what} moves most: {now} instead of {before} by {first}."


def _thresholds(rows: pd.DataFrame, first: str) -> str:
    of_models = rows[rows["measure"] == "threshold"].drop_duplicates(["arch", "inputs"])
    other = of_models[of_models["difference"] != 0]
    if other.empty:
        return f"It takes the thresholds of {first}."
    each = ", ".join(
        f"{estimate - apart:g} to {estimate:g}"
        for estimate, apart in zip(other["estimate"], other["difference"], strict=True)
    )
    return f"Its rule chooses another threshold for {counted(len(other), 'model')} of {len(of_models)} ({each})."
