"""Build the tables of the subgroups: performance, tests over covariates, and hospitals against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.cells import interval, number, p_value, yes_or_no
from residua.tables.covariates import TITLES, group_name
from residua.tables.models import SPLITS
from residua.tables.parts import level, model_of, with_reasons
from residua.tables.render import Cell, Table
from residua.words import listed

_MEASURES = {
    "dice": ("DSC-P (%)", 100),
    "sensitivity": ("Sensitivity (%)", 1),
    "specificity": ("Specificity (%)", 1),
    "balanced_accuracy": ("bAcc (%)", 1),
}
_KEYS = ("Covariate", "Group", "Data", "Arch.")
Row = Mapping[Any, Any]


def subgroups(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List each network's performance in each subgroup, one row per covariate, group, split and network."""
    grouped = frame[frame["group"] != ""].groupby(["covariate", "group", "split", "arch"], sort=False)
    rows = [_subgroup(of.to_dict("records"), arch_labels) for _, of in grouped]
    caption = (
        "Subgroups (not in the article): exploratory. Each network with its best inputs for segmentation (DSC-P) and "
        f"for classification (rates). In brackets: {level(statistics)} BCa intervals, persons resampled as a whole. n: "
        "patients of the classes that a number needs; with fewer than "
        f"{statistics.least_in_subgroup} of one of them, or persons where some have several scans, it is not "
        "estimable. Patients: those of the group that the network has; two numbers are of its inputs for segmentation "
        "and for classification. Val: out of fold. Bands of numbers hold their upper bound. Residual volume is the "
        "reference's."
    )
    made = with_reasons(rows, caption, _KEYS, "no covariate of statistics.subgroups is known.")
    return replace(made, notes=(*made.notes, *absent(frame)))


def absent(frame: pd.DataFrame) -> list[str]:
    """Say once which covariates have no subgroups, and why."""
    without = frame[frame["group"] == ""]
    return [
        f"Without subgroups, {reason}: {listed([TITLES[name].lower() for name in of['covariate']])}."
        for reason, of in without.groupby("note", sort=False)
    ]


def _subgroup(rows: Sequence[Row], arch_labels: Mapping[str, str]) -> dict[str, object]:
    covariate, group, split, arch = (rows[0][name] for name in ("covariate", "group", "split", "arch"))
    own = {row["measure"]: row for row in rows}
    cells: dict[str, object] = {
        title: _cell(own[measure], scale) for measure, (title, scale) in _MEASURES.items() if measure in own
    }
    reasons = dict.fromkeys(
        f"{_short(row['measure'])}: {row['note'].replace('; ', ' and ')}" for row in rows if row["note"]
    )
    return {
        **{"Covariate": TITLES[covariate], "Group": group_name(covariate, group), "Data": SPLITS[split]},
        **{"Arch.": arch_labels.get(arch, arch), "Patients": _patients(own), **cells},
        "Note": "; ".join(reasons),
    }


def _patients(own: Mapping[str, Row]) -> str:
    """Return the patients of both inputs of a network, once where they are as many."""
    return " / ".join(dict.fromkeys(str(int(row["patients"])) for row in own.values()))


def _short(measure: str) -> str:
    return _MEASURES[measure][0].removesuffix(" (%)")


def _cell(row: Row, scale: float) -> Cell:
    if pd.isna(row["estimate"]):
        return Cell("not estimable", int(row["n"]))
    return Cell(f"{number(scale * row['estimate'])} {interval(scale * row['low'], scale * row['high'])}", int(row["n"]))


def subgroup_tests(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the test of each covariate, for each network and for the difference of two."""
    rows = [
        {
            "Data": SPLITS[row["split"]],
            "Dice of": question_of(row, arch_labels),
            "Covariate": TITLES[row["covariate"]],
            "Groups": int(row["groups"]),
            "Left out": int(row["groups_left_out"]),
            "H": Cell(number(row["statistic"]), int(row["n"])),
            "p": p_value(row["p_value"]),
            "p (Holm)": p_value(row["p_holm"]),
            "Significant": yes_or_no(row["significant"]),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Subgroups (not in the article): does Dice of DSC-P's patients depend on a covariate? Exploratory: one test of "
        "each covariate, Kruskal-Wallis over its groups, stated before the results. A minus B: the difference of two "
        "networks on the same patients, so that a small p means an interaction of network and subgroup. Persons enter "
        "once in each group. Left out: groups with fewer than "
        f"{statistics.least_in_subgroup} patients, or persons where some have several scans. p (Holm): corrected over "
        f"all covariates of the same data and question. Significant: p (Holm) < {statistics.alpha:g}."
    )
    return with_reasons(
        rows, caption, ("Data", "Dice of", "Covariate"), "no covariate of statistics.subgroups is known."
    )


def question_of(row: Row, arch_labels: Mapping[str, str]) -> str:
    """Name the network, or the difference of two, of which a test asks.

    >>> question_of({"arch_1": "nnunet", "inputs_1": "B", "arch_2": ""}, {"nnunet": "nnU-Net"})
    'nnU-Net B'
    """
    first = model_of(row, arch_labels, "_1")
    return f"{first} minus {model_of(row, arch_labels, '_2')}" if row["arch_2"] else first


def between_hospitals(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the random-effects summary of the hospitals, one row per split and network."""
    rows = [
        {
            "Data": SPLITS[row["split"]],
            "Model": model_of(row, arch_labels),
            "Hospitals": int(row["hospitals"]),
            "Left out": row["left_out"] or "none",
            "DSC-P (%)": Cell(_between(row, "estimate", "low", "high"), int(row["n"])),
            "Another hospital (%)": interval(100 * row["prediction_low"], 100 * row["prediction_high"]),
            "τ (points)": number(100 * row["tau"]),
            "Q": number(row["q"]),
            "p, Q": p_value(row["p_value"]),
            "I² (%)": number(row["i_squared"], 1),
            "Note": row["note"],
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Hospitals against each other (not in the article): exploratory. Mean Dice of DSC-P's patients over hospitals, "
        f"by a random-effects meta-analysis (DerSimonian and Laird) with {level(statistics)} Hartung-Knapp intervals, "
        "and the prediction interval, in which the mean of another hospital is expected; neither is clipped to 0 to "
        "100. Q, I² and τ: heterogeneity, that is differences between hospitals beyond chance; τ is their standard "
        f"deviation. Left out: hospitals with fewer than {statistics.least_in_subgroup} such patients "
        "(persons where some have several scans), or with the same Dice for all. The hold-out's "
        "hospitals stand by themselves (Test)."
    )
    return with_reasons(rows, caption, ("Data", "Model"), "there is no model.")


def _between(row: Row, *names: str) -> str:
    estimate, low, high = (100 * row[name] for name in names)
    return f"{number(estimate)} {interval(low, high)}" if not pd.isna(estimate) else "not estimable"
