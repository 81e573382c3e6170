"""Tell whether the networks do alike in all subgroups of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from residua.report.facts import SETS, p_in_words
from residua.report.findings import Finding
from residua.report.wording import listed, percent
from residua.settings.statistics import Statistics
from residua.tables.covariates import TITLES
from residua.tables.parts import level
from residua.tables.subgroups import absent, question_of

Row = Mapping[Any, Any]
Labels = Mapping[str, str]


def subgroups(frames: Mapping[str, pd.DataFrame], labels: Labels, statistics: Statistics) -> Finding | None:
    """Summarise hospitals and subgroups from the statistics by name; None: the study asks for no subgroups."""
    if "subgroups" not in frames:
        return None
    sentences = [
        "These comparisons are exploratory: one test of each covariate, stated before the results, corrected over all "
        "covariates by Holm's method.",
        *(_between(row, labels, statistics) for row in frames["between_hospitals"].to_dict("records")),
        *_tests(frames["subgroup_tests"], labels),
        *absent(frames["subgroups"]),
    ]
    return Finding("Do the networks do alike in all subgroups?", tuple(sentences))


def _between(row: Row, labels: Labels, statistics: Statistics) -> str:
    what = f"{labels.get(row['arch'], row['arch'])} {row['inputs']}, {SETS[row['split']]}"
    left_out = f" Left out: {row['left_out']}." if row["left_out"] else ""
    if pd.isna(row["estimate"]):
        return f"{what}: how far hospitals differ is {row['note']}.{left_out}"
    mean = f"{percent(row['estimate'])} ({level(statistics)} interval {percent(row['low'])} to {percent(row['high'])})"
    expected = (
        f"that of another hospital is expected between {percent(row['prediction_low'])} and "
        f"{percent(row['prediction_high'])}"
        if not pd.isna(row["prediction_low"])
        else row["note"]
    )
    return (
        f"{what}, {row['hospitals']} hospitals: mean Dice over hospitals {mean}; {expected}. Of the variance between "
        f"their means {row['i_squared']:.0f} % is more than chance (I²; Cochran's Q {p_in_words(row['p_value'])})."
        f"{left_out}"
    )


def _tests(frame: pd.DataFrame, labels: Labels) -> list[str]:
    """Count the covariates on which Dice, or the difference of two networks, depends."""
    sentences = []
    for _, rows in frame.groupby(["split", "arch_1", "inputs_1", "arch_2", "inputs_2"], sort=False):
        first = rows.iloc[0].to_dict()
        what = f"Dice of {question_of(first, labels)}, {SETS[first['split']]}"
        tested = rows[rows["significant"].notna()].to_dict("records")
        if not tested:
            sentences.append(f"{what}: no covariate can be tested; the table says why.")
            continue
        found = [
            f"{TITLES[row['covariate']].lower()} ({p_in_words(row['p_holm'])})" for row in tested if row["significant"]
        ]
        depends = f"depends on {listed(found)}" if found else "is not shown to depend on any covariate"
        sentences.append(f"{what}, {depends}; {len(tested)} tested (Kruskal-Wallis, Holm).")
    return sentences
