"""Build the tables behind the article's statistics, with the numbers by which its text names them (Tables S3 to S9).

Neither version of the article prints its own.

Each takes the frame of its parquet file (``residua.statistics``), the networks' labels and the study's settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from residua.settings.participation import Eligibility
from residua.settings.statistics import Statistics
from residua.tables import paired, subgroups, validation
from residua.tables.cells import interval, number, plain
from residua.tables.conventions import conventions
from residua.tables.models import SPLITS
from residua.tables.nested import nested
from residua.tables.parts import answer, level, model_of, table_of
from residua.tables.prognosis import prognosis, survival
from residua.tables.ranks import rater_ranks
from residua.tables.render import Cell, Table
from residua.tables.resection import rano, resection
from residua.words import listed, name_of

_OWN_PATIENTS = (
    "Each input configuration has the patients with all of its channels, so that different patients may be compared."
)
"""What a caption says where ``eligibility`` is ``per_inputs``."""
_RATES = {"sensitivity": "Sensitivity (%)", "specificity": "Specificity (%)", "balanced_accuracy": "bAcc (%)"}


def tukey(
    frame: pd.DataFrame,
    arch_labels: Mapping[str, str],
    statistics: Statistics,
    eligibility: Eligibility = "complete",
) -> Table:
    """Compare the input configurations of each network."""
    rows = [
        {
            "Arch.": arch_labels.get(row["arch"], row["arch"]),
            "Input 1": row["inputs_1"],
            "Input 2": row["inputs_2"],
            "n 1": row["n_1"],
            "n 2": row["n_2"],
            "Difference (points)": number(100 * row["mean_difference"]),
            f"{level(statistics)} interval": interval(100 * row["low"], 100 * row["high"]),
            **answer(row),
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Tables S3 and S4 (supplement to Table 3). Tukey's range test of the inputs of each network: "
        "mean Dice of DSC-P's patients of the test set with input 1 minus input 2, in percentage points, with "
        f"simultaneous intervals. Significant: p < {statistics.alpha:g}. "
        f"{_independent('every input sees', 'inputs', eligibility)}"
    )
    return table_of(rows, caption, ("Arch.", "Input 1", "Input 2", "n 1", "n 2"), "each network has one input only.")


def architectures(
    frame: pd.DataFrame,
    arch_labels: Mapping[str, str],
    statistics: Statistics,
    eligibility: Eligibility = "complete",
) -> Table:
    """Compare the networks, each with its best inputs."""
    rows = [
        {
            "Model 1": model_of(row, arch_labels, "_1"),
            "Model 2": model_of(row, arch_labels, "_2"),
            "Median DSC-P 1 (%)": Cell(number(100 * row["median_1"]), row["n_1"]),
            "Median DSC-P 2 (%)": Cell(number(100 * row["median_2"]), row["n_2"]),
            "U": number(row["u_statistic"], 1),
            **answer(row),
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Table S5 (supplement to Table 3). Mann-Whitney U test, two-sided, of the Dice of DSC-P's "
        f"patients of the test set, each network with its best input. Significant: p < {statistics.alpha:g}. "
        f"{_independent('both networks see', 'networks', eligibility)}"
    )
    return table_of(rows, caption, ("Model 1", "Model 2"), "there is one network only.")


def raters(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """Compare the networks, each with its best inputs, with human raters and groups of them."""
    rows = [
        {
            "Reference": str(row["reference"]).replace("_", " "),
            "Model": model_of(row, arch_labels),
            "Against": row["label"],
            "Median Jaccard, model (%)": Cell(number(100 * row["median_model"]), row["n_model"]),
            "Median Jaccard, other (%)": Cell(number(100 * row["median_other"]), row["n_other"]),
            "U": number(row["u_statistic"], 1),
            **answer(row),
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Tables S8 and S9 (supplement to Figure 4). Mann-Whitney U test, two-sided, of the Jaccard of "
        "each network with its best input against each rater, and against the novices, the experts and all: a group's "
        "score is its raters' mean for each patient. Patients: those with residual tumour in the reference in use. "
        f"Significant: p < {statistics.alpha:g}; no significant difference is no proof of being on par."
    )
    return table_of(rows, caption, ("Reference", "Model", "Against"), "there is nothing to compare.")


def intervals(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List the intervals of the classification, one row per inputs, split and network as in Table 4."""
    grouped = frame.groupby(["inputs", "split", "arch"], sort=False)
    models: dict[tuple[Any, ...], list[dict[Any, Any]]] = {key: rows.to_dict("records") for key, rows in grouped}
    rows = [
        {
            "Input": inputs,
            "Data": label,
            "Arch.": arch_labels.get(arch, arch),
            "Method": models[inputs, split, arch][0]["method"],
            **{_RATES[rate["rate"]]: _estimate(rate) for rate in models[inputs, split, arch]},
            "Note": _notes(models[inputs, split, arch]),
        }
        for inputs in frame["inputs"].unique()
        for split, label in SPLITS.items()
        for arch in frame["arch"].unique()
        if (inputs, split, arch) in models
    ]
    caption = (
        f"Supplement to Table 4. {level(statistics)} intervals of the classification in percent. Test: bias-corrected "
        f"and accelerated bootstrap (BCa), {statistics.bootstrap_resamples} resamples of patients within each class of "
        "the reference, or of all persons together where one has scans of both classes. "
        f"Val: normal, pooled mean ± {statistics.interval_sd_multiplier:g} sd over the folds, not "
        "clipped. n: patients of the set; undefined: patients left out, those of each fold in which a rate has no "
        "denominator."
    )
    return table_of(rows, caption, ("Input", "Data", "Arch."), "there is no model.")


def overlaps(
    frame: pd.DataFrame,
    arch_labels: Mapping[str, str],
    statistics: Statistics,
    eligibility: Eligibility = "complete",
) -> Table:
    """List pairs of models whose intervals overlap or do not, one row per split and pair."""
    pairs: dict[tuple[str, str, str], dict[str, object]] = {}
    for row in frame.to_dict("records"):
        key = (SPLITS[row["split"]], model_of(row, arch_labels, "_1"), model_of(row, arch_labels, "_2"))
        names = dict(zip(("Data", "Model 1", "Model 2"), key, strict=True))
        pairs.setdefault(key, {**names})[_name(row["rate"])] = _comparison(row["significant"])
    caption = (
        "Tables S6 (Test) and S7 (Val; supplement to Table 4). Pairs of models compared by the "
        f"{level(statistics)} intervals of their classification: significant when the intervals do not overlap. Not "
        "comparable: one of the models has no interval, for the reason given with the intervals. Non-overlap is "
        "stricter than a test of the difference at the same level."
        f"{f' {_OWN_PATIENTS}' if eligibility == 'per_inputs' else ''}"
    )
    return table_of(list(pairs.values()), caption, ("Data", "Model 1", "Model 2"), "there is one model only.")


def subsets(frame: pd.DataFrame, arch_labels: Mapping[str, str], statistics: Statistics) -> Table:
    """List every subset of the channels of the networks that are trained to do without some."""
    rows = [
        {
            "Channels": listed([name_of(channel) for channel in row["given"].split(", ")]),
            "Arch.": arch_labels.get(row["arch"], row["arch"]),
            "Input": row["inputs"],
            "DSC-P (%)": plain(100 * row["dice"], row["n_positive"]),
            **{title: plain(row[rate], row["n"]) for rate, title in _RATES.items()},
        }
        for row in frame.to_dict("records")
    ]
    caption = (
        "Networks that are trained to do without channels, on the test set with every subset of their channels, beside "
        "the networks that were trained on just these. Input: the input configuration of the training. A channel that "
        "is not given is zero; the threshold is the one that was chosen with all channels."
    )
    return table_of(rows, caption, ("Channels", "Arch.", "Input"), "no network is trained to do without channels.")


def _independent(same: str, who: str, eligibility: Eligibility) -> str:
    although = f"{same} the same patients." if eligibility == "complete" else f"{who} may share some. {_OWN_PATIENTS}"
    return f"The test takes the samples as independent, although {although}"


def _estimate(row: Mapping[Any, Any]) -> Cell:
    return Cell(f"{number(row['estimate'])} {interval(row['low'], row['high'])}", row["n"], row["undefined"])


def _notes(rates: Sequence[Mapping[Any, Any]]) -> str:
    """Join the reasons, each once, with the rates that have it."""
    names: dict[str, list[str]] = {}
    for rate in rates:
        names.setdefault(rate["note"], []).append(_name(rate["rate"]))
    return "; ".join(f"{', '.join(of)}: {reason}" for reason, of in names.items() if reason)


def _comparison(significant: bool | None) -> str:
    return "not comparable" if pd.isna(significant) else "significant" if significant else "overlap"


def _name(rate: str) -> str:
    return _RATES[rate].removesuffix(" (%)")


def supplementary_table(
    name: str,
    results: str,
    arch_labels: Mapping[str, str],
    statistics: Statistics,
    eligibility: Eligibility = "complete",
) -> Table:
    """Build the table ``name`` from its parquet file."""
    frame = pd.read_parquet(results)
    if name in _OF_ALL_PATIENTS:
        return _OF_ALL_PATIENTS[name](frame, arch_labels, statistics, eligibility)
    return _SUPPLEMENT[name](frame, arch_labels, statistics)


_OF_ALL_PATIENTS = {"tukey": tukey, "architectures": architectures, "overlaps": overlaps}
"""Tables that compare all patients of each model, whether models have the same or not."""
_SUPPLEMENT: Mapping[str, Callable[[pd.DataFrame, Mapping[str, str], Statistics], Table]] = {
    "tukey": tukey,
    "architectures": architectures,
    "intervals": intervals,
    "overlaps": overlaps,
    "raters": raters,
    "rater_ranks": rater_ranks,
    "resection": resection,
    "rano": rano,
    "prognosis": prognosis,
    "survival": survival,
    "subsets": subsets,
    "nested": nested,
    "conventions": conventions,
    "subgroups": subgroups.subgroups,
    "subgroup_tests": subgroups.subgroup_tests,
    "between_hospitals": subgroups.between_hospitals,
    "paired_dice": paired.dice,
    "paired_friedman": paired.friedman,
    "paired_classification": paired.classification,
    "paired_auroc": paired.auroc,
    "paired_raters": paired.raters,
    "external": validation.external,
    "hospitals": validation.hospitals,
    "calibration": validation.calibration,
    "reliability": validation.reliability,
    "recalibration": validation.recalibration,
}
