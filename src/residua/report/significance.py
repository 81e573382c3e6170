"""Count and name the significant differences of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from residua.report.facts import SETS, p_in_words
from residua.report.findings import Finding
from residua.report.patients import NOBODY, Patients
from residua.report.wording import counted, listed, percent

Rows = list[dict[Any, Any]]
_NAMED = 6
"""At most so many pairs are named; more are only counted, and stand in the tables."""


def significance(
    frames: Mapping[str, pd.DataFrame],
    labels: Mapping[str, str],
    positives: Patients = NOBODY,
    everybody: Patients = NOBODY,
) -> Finding:
    """Summarise every comparison of the run. ``frames`` holds the statistics by name; ``raters`` may be missing.

    Of models whose patients differ it is said: for Dice ``positives``, those with residual tumour, else ``everybody``.
    """
    sentences = [
        *_of_inputs(frames["inputs"].to_dict("records"), labels, positives),
        *_of_architectures(frames["architectures"].to_dict("records"), labels, positives),
        *_of_classification(frames["overlaps"], labels, everybody),
        *(_of_raters(frames["raters"], labels) if "raters" in frames else ()),
        "A difference that is not significant may still exist.",
    ]
    return Finding("Which differences are significant?", tuple(sentences))


def _model(row: Mapping[Any, Any], labels: Mapping[str, str], which: str = "") -> str:
    return f"{labels.get(row[f'arch{which}'], row[f'arch{which}'])} {row[f'inputs{which}']}"


def _apart(row: Mapping[Any, Any], patients: Patients, split: str = "test") -> str:
    """Say of the two models of a row how many patients they have, where they have different ones."""
    one, other = ((row.get("arch", row.get(f"arch{which}")), row[f"inputs{which}"]) for which in ("_1", "_2"))
    return patients.apart(split, one, other)


def _of_inputs(rows: Rows, labels: Mapping[str, str], patients: Patients) -> list[str]:
    if not rows:
        return []

    def name(row: Mapping[Any, Any]) -> str:
        return f"{labels.get(row['arch'], row['arch'])} {row['inputs_1']} and {row['inputs_2']}"

    said = _counted(rows, name, lambda row: _apart(row, patients))
    return [f"Input configurations, Dice on the hold-out (Tukey's range test): {said}"]


def _of_architectures(rows: Rows, labels: Mapping[str, str], patients: Patients) -> list[str]:
    return [f"Networks, Dice on the hold-out (Mann-Whitney U): {_architectures(row, labels, patients)}" for row in rows]


def _architectures(row: Mapping[Any, Any], labels: Mapping[str, str], patients: Patients) -> str:
    one, other = _model(row, labels, "_1"), _model(row, labels, "_2")
    if pd.isna(row["significant"]):
        return f"{one} and {other} cannot be compared: {row['note']}."
    verdict = "a significant difference" if row["significant"] else "no significant difference"
    return (
        f"{verdict} between {one} (median {percent(row['median_1'])}, n = {row['n_1']}) and {other} (median "
        f"{percent(row['median_2'])}, n = {row['n_2']}), {p_in_words(row['p_value'])}{_apart(row, patients)}."
    )


def _of_classification(overlaps: pd.DataFrame, labels: Mapping[str, str], patients: Patients) -> list[str]:
    def name(row: Mapping[Any, Any]) -> str:
        return f"{_model(row, labels, '_1')} and {_model(row, labels, '_2')}"

    def apart(row: Mapping[Any, Any]) -> str:
        return _apart(row, patients, str(row["split"]))

    return [
        f"Classification, {str(rate).replace('_', ' ')}, {where} (intervals): "
        f"{_counted(rows.to_dict('records'), name, apart)}"
        for split, where in SETS.items()
        for rate, rows in overlaps[overlaps["split"] == split].groupby("rate", sort=False)
    ]


def _counted(rows: Rows, name: Callable[[Mapping[Any, Any]], str], apart: Callable[[Mapping[Any, Any]], str]) -> str:
    possible = [row for row in rows if not pd.isna(row["significant"])]
    significant = [f"{name(row)}{apart(row)}" for row in possible if row["significant"]]
    different = sum(bool(apart(row)) for row in possible)
    who = f" {counted(different, 'pair has', 'pairs have')} different patients." if different else ""
    untested = len(rows) - len(possible)
    beside = f" ({counted(untested, 'more pair')} could not be compared)" if untested else ""
    if not possible:
        return f"{counted(len(rows), 'pair')}, none comparable."
    if not significant:
        return f"no significant difference in {counted(len(possible), 'pair')}{beside}.{who}"
    named = f": {_semicolons(significant)}" if len(significant) <= _NAMED else "; see the table"
    return f"{len(significant)} of {counted(len(possible), 'pair')} {_differ(len(significant))}{beside}{named}.{who}"


def _differ(number: int) -> str:
    return "differs significantly" if number == 1 else "differ significantly"


def _semicolons(names: Sequence[str]) -> str:
    return "; ".join(names)


def _of_raters(raters: pd.DataFrame, labels: Mapping[str, str]) -> list[str]:
    sentences = []
    for (reference, _), rows in raters.groupby(["reference", "arch"], sort=False):
        model, against = _model(rows.iloc[0].to_dict(), labels), str(reference).replace("_", " ")
        one_by_one, groups = _raters(rows[rows["kind"] == "rater"]), _groups(rows[rows["kind"] == "group"])
        sentences.append(f"{model} against raters, Jaccard with the {against}: {one_by_one}; {groups}.")
    return sentences


def _raters(rows: pd.DataFrame) -> str:
    """Count the raters; none is named."""
    tested = rows[rows["significant"].notna()]
    if tested.empty:
        return "no rater could be compared"
    significant = tested[tested["significant"].astype(bool)]
    better = sum(_is_better(row) for row in significant.to_dict("records"))
    worse = len(significant) - better
    return (
        f"of {counted(len(tested), 'rater')}, significantly better than {better or 'none'}, significantly worse than "
        f"{worse or 'none'} and not significantly different from {len(tested) - len(significant) or 'none'}"
    )


def _groups(rows: pd.DataFrame) -> str:
    words = []
    for row in rows.to_dict("records"):
        group = "all raters" if row["against"] == "all" else f"the {row['against']}"
        if pd.isna(row["significant"]):
            words.append(f"not comparable with {group}")
        elif row["significant"]:
            words.append(f"{'better' if _is_better(row) else 'worse'} than {group} ({p_in_words(row['p_value'])})")
        else:
            words.append(f"not significantly different from {group} ({p_in_words(row['p_value'])})")
    return f"as groups: {listed(words)}" if words else "no group to compare with"


def _is_better(row: Mapping[Any, Any]) -> bool:
    """Whether the network's scores are the higher ones by what the test compares; medians may be equal or opposed."""
    return bool(row["u_statistic"] > row["n_model"] * row["n_other"] / 2)
