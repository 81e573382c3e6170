"""Build the table of the conventions of evaluation: each model's numbers by every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from residua.metrics.conventions import AUTHORS_CODE_2023, BRATS_LESIONWISE, OWN
from residua.settings.statistics import Statistics
from residua.tables.cells import NOT_AVAILABLE, interval, number
from residua.tables.models import SPLITS
from residua.tables.parts import table_of
from residua.tables.render import Cell, Table

TITLES = {
    "threshold": "Threshold",
    "dsc_p": "DSC-P (%)",
    "dsc_tp": "DSC-TP (%)",
    "hd95_mm": "HD95 (mm)",
    "ave_ml": "AVE (ml)",
    "recall": "Recall (%)",
    "precision": "Precision (%)",
    "f1": "F1 (%)",
    "specificity": "Specificity (%)",
    "balanced_accuracy": "bAcc (%)",
}
"""The heads of the measures."""
_DECIMALS = {"ave_ml": 3}
_KEYS = ("Input", "Data", "Arch.", "Convention")
_WHAT = "How far the choice of a convention of evaluation moves each number."
_MEANINGS = {
    "article": "article: the article's text, which is this study's own",
    OWN: "this study: its own settings, that differ from the article's",
    AUTHORS_CODE_2023.name: "authors-code-2023: the public code of the article's authors (another rule and other "
    "candidates for the threshold; small components stay in the mask and only are no objects, 6-connected; residual "
    "tumour above the cut, out of fold any object; DSC-TP of patients with a Dice of at least 0.01; volumes up to the "
    "cut count as 0; folds weighed by all their patients; bAcc in brackets ± 1.96 sd/√folds)",
    BRATS_LESIONWISE.name: "brats-lesionwise: Dice, HD95, recall, precision and F1 of lesions; a missed or a false "
    "lesion scores 0 and {unmatched:g} mm, and a lesion reaches {dilation:g} mm beyond its voxels; its rates have no "
    "difference to those of patients",
}


def conventions(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List each model's numbers by every convention, and how far they are from those by the first."""
    if frame.empty:
        return table_of([], _WHAT, _KEYS, "there is no model.")
    keys = ["inputs", "split", "arch", "convention"]
    models = {key: rows.to_dict("records") for key, rows in frame.groupby(keys, sort=False)}
    names = {key: list(frame[key].unique()) for key in keys}
    rows = [
        {
            "Input": inputs,
            "Data": SPLITS[split],
            "Arch.": arch_labels.get(arch, arch),
            "Convention": convention,
            **{TITLES[row["measure"]]: _cell(row, convention == names["convention"][0]) for row in found},
            "Note": _notes(found),
        }
        for inputs in names["inputs"]
        for split in SPLITS
        for arch in names["arch"]
        for convention in names["convention"]
        if (found := models.get((inputs, split, arch, convention)))
    ]
    return table_of(rows, _caption(names["convention"]), _KEYS, "there is no model.")


def _cell(row: Mapping[Any, Any], is_first: bool) -> Cell | str:
    decimals = _DECIMALS.get(row["measure"], 2)
    if pd.isna(row["estimate"]):
        return NOT_AVAILABLE
    text = f"{row['estimate']:g}" if row["measure"] == "threshold" else number(row["estimate"], decimals)
    text += "" if pd.isna(row["sd"]) else f"±{number(row['sd'], decimals)}"
    text += "" if pd.isna(row["low"]) else f" {interval(row['low'], row['high'])}"
    if not is_first and not pd.isna(row["difference"]):
        moved = round(row["difference"], decimals) + 0.0
        text += f", {moved:+.{decimals}f}".replace("-", "−")
    return text if row["measure"] == "threshold" else Cell(text, row["n"], row["undefined"])


def _notes(rows: Sequence[Mapping[Any, Any]]) -> str:
    """Join the reasons, each once, with the measures that have it."""
    named: dict[str, list[str]] = {}
    for row in rows:
        named.setdefault(row["note"], []).append(TITLES[row["measure"]].partition(" (")[0])
    return "; ".join(f"{', '.join(of)}: {reason}" for reason, of in named.items() if reason)


def _caption(names: Sequence[str]) -> str:
    how = BRATS_LESIONWISE.lesion_wise
    reach = {"unmatched": how.unmatched_hd95_mm, "dilation": how.dilation_mm} if how else {}
    known = {**_MEANINGS, "article": _MEANINGS["article"] if names[0] == "article" else "article: the article's text"}
    meanings = "; ".join(known[name].format(**reach) for name in names)
    return (
        f"{_WHAT} Mean±sd as in Tables 3 and 4, then the difference to {names[0]}. {meanings}. bAcc: balanced "
        "accuracy, out of fold with the limits of its interval. Thresholds are chosen on the validation patients by "
        "each convention's rule; a gated row keeps that of the network that draws, and a given threshold stays."
    )
