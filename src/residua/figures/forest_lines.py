"""Contents of the forest plots that need no drawing: their lines and captions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from residua.settings.statistics import Statistics
from residua.tables.covariates import TITLES, group_name
from residua.words import listed

OUT_OF_FOLD, HOLDOUT, SUMMARY = "out of fold", "hold-out", "random effects"
_KINDS = {"validation": OUT_OF_FOLD, "test": HOLDOUT}
_NO_NUMBER = "–"
Row = Mapping[Any, Any]


@dataclass(frozen=True)
class ForestMark:
    """What one network shows on a line, in percent; None: not estimable. ``outer`` is a prediction interval."""

    arch: str
    kind: str
    estimate: float | None
    low: float | None
    high: float | None
    count: str
    note: str = ""
    outer: tuple[float, float] | None = None


@dataclass(frozen=True)
class ForestLine:
    """A line of the plot: its name, and a mark of each network, or of each network and split."""

    label: str
    marks: tuple[ForestMark, ...] = ()
    heading: bool = False


def hospital_lines(subgroups: pd.DataFrame, hospitals: pd.DataFrame) -> list[ForestLine]:
    """Return a line for each hospital of the folds, then their summary; the same for the hold-out, marked."""
    dice = _dice(subgroups, subgroups["covariate"] == "hospital")
    lines = []
    for split, kind in _KINDS.items():
        of_split = dice[dice["split"] == split]
        if of_split.empty:
            continue
        lines.append(ForestLine(kind[:1].upper() + kind[1:], heading=True))
        for hospital, rows in of_split.groupby("group", sort=False):
            name = f"{hospital} ({HOLDOUT})" if kind == HOLDOUT else str(hospital)
            lines.append(ForestLine(name, tuple(_mark(row) for row in rows.to_dict("records"))))
        over = hospitals[hospitals["split"] == split].to_dict("records")
        if of_split["group"].nunique() > 1:
            lines.append(ForestLine("Random effects", tuple(_summary(row) for row in over)))
    return lines


def subgroup_lines(subgroups: pd.DataFrame) -> list[ForestLine]:
    """Return a heading for each covariate but the hospital, and a line for each of its groups."""
    dice = _dice(subgroups, subgroups["covariate"] != "hospital")
    models = [(arch, split) for arch in dice["arch"].unique() for split in _KINDS if (dice["split"] == split).any()]
    lines = []
    for covariate, of in dice.groupby("covariate", sort=False):
        lines.append(ForestLine(TITLES[str(covariate)], heading=True))
        for group, rows in of.groupby("group", sort=False):
            if rows["n"].any():
                there = {(row["arch"], row["split"]): _mark(row) for row in rows.to_dict("records")}
                marks = tuple(there.get(model, _nobody(*model)) for model in models)
                lines.append(ForestLine(group_name(str(covariate), str(group)), marks))
    return lines


def _nobody(arch: str, split: str) -> ForestMark:
    return ForestMark(arch, _KINDS[split], None, None, None, "0")


def _dice(subgroups: pd.DataFrame, which: pd.Series) -> pd.DataFrame:
    return subgroups[which & (subgroups["measure"] == "dice") & (subgroups["group"] != "")]


def _mark(row: Row) -> ForestMark:
    estimate, low, high = (_percent(row[name]) for name in ("estimate", "low", "high"))
    return ForestMark(row["arch"], _KINDS[row["split"]], estimate, low, high, str(row["n"]), row["note"] or "")


def _summary(row: Row) -> ForestMark:
    estimate, low, high, lower, upper = (
        _percent(row[name]) for name in ("estimate", "low", "high", "prediction_low", "prediction_high")
    )
    outer = None if lower is None or upper is None else (lower, upper)
    count = _NO_NUMBER if estimate is None else str(row["n"])
    return ForestMark(row["arch"], SUMMARY, estimate, low, high, count, row["note"], outer)


def _percent(value: float) -> float | None:
    return None if pd.isna(value) else 100 * float(value)


def caption_of_hospitals(
    lines: list[ForestLine], hospitals: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics
) -> str:
    """Write the caption: what is drawn, and how far the hospitals differ."""
    level = f"{100 * (1 - statistics.alpha):g} %"
    if not lines:
        return "Hospitals (not in the article). statistics.subgroups does not name the hospital: nothing is drawn."
    said = [heterogeneity(row, arch_labels) for row in hospitals.to_dict("records")]
    return (
        "Hospitals (not in the article; exploratory): mean Dice of the patients with residual tumour, each network "
        f"with its best inputs for segmentation, with {level} BCa intervals. n: these patients; a hospital with fewer "
        f"than {statistics.least_in_subgroup} has no mark. Diamond: random-effects mean over hospitals with its "
        f"{level} Hartung-Knapp interval; dashed line: the interval in which the mean of another hospital is expected. "
        f"{' '.join(said)}"
    )


def heterogeneity(row: Row, arch_labels: Mapping[str, str]) -> str:
    """Say how far hospitals differ for one network and split, or why this is unknown."""
    what = f"{arch_labels.get(row['arch'], row['arch'])}, {_KINDS[row['split']]}"
    if pd.isna(row["q"]):
        return f"{what}: heterogeneity {row['note']}."
    p = "< 0.0001" if row["p_value"] < 0.0001 else f"= {row['p_value']:.4f}"
    return (
        f"{what}, {row['hospitals']} hospitals: Q = {row['q']:.2f} (p {p}), I² = {row['i_squared']:.0f} %, "
        f"τ = {100 * row['tau']:.1f} points."
    )


def caption_of_subgroups(subgroups: pd.DataFrame, statistics: Statistics) -> str:
    """Write the caption: what is drawn, and which covariates nothing is known of."""
    level = f"{100 * (1 - statistics.alpha):g} %"
    without = [TITLES[name].lower() for name in subgroups.loc[subgroups["group"] == "", "covariate"]]
    absent = f" Not in the cohort table: {listed(without)}." if without else ""
    return (
        "Subgroups (not in the article; exploratory): mean Dice of the patients with residual tumour, each network "
        f"with its best inputs for segmentation, with {level} BCa intervals. n: these patients, out of fold / "
        f"hold-out; a group with fewer than {statistics.least_in_subgroup} (persons where some have several scans) has "
        "no mark. Whether a difference is more "
        f"than chance is the table's question, one test of each covariate, corrected over all of them.{absent}"
    )
