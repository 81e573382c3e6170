"""Judge each network, with its best inputs, in subgroups of patients: beside the article's results, exploratory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from residua.metrics.classification import has_residual_tumor
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.bca import bca_interval
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import RATES, outcomes_of, persons_of
from residua.statistics.covariates import Subgroups
from residua.statistics.frames import tidy
from residua.statistics.interval import Interval
from residua.statistics.pairs import SPLITS, rows_of
from residua.statistics.scores import dice_of_positive

EXPERIMENTS = {"segmentation": ("dice",), "classification": RATES}
"""The measures of each experiment, in which a network has best inputs of its own."""
_NEEDS = {
    "dice": ("residual tumour",),
    "sensitivity": ("residual tumour",),
    "specificity": ("gross total resection",),
    "balanced_accuracy": ("residual tumour", "gross total resection"),
}
COLUMNS = (
    *("covariate", "group", "split", "arch", "inputs", "measure", "patients", "n"),
    *("estimate", "low", "high", "note"),
)
Choices = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Judged:
    """The rows of one network with its best inputs of an experiment, on one split."""

    arch: str
    inputs: str
    experiment: str
    split: str
    cases: pd.DataFrame


def judged_models(cases: pd.DataFrame, choices: Choices, classification: Classification) -> list[Judged]:
    """Return the rows of every network, experiment of ``choices`` and split that has patients.

    >>> cases = pd.DataFrame({"arch": "nnunet", "inputs": ["A", "B"], "split": "test", "patient": "AMS1"})
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> [(of.inputs, of.split) for of in judged_models(cases, {"segmentation": {"nnunet": "B"}}, rule)]
    [('B', 'test')]
    """
    found = []
    for experiment, choice in choices.items():
        best = best_inputs(cases[cases["arch"].isin(list(choice))], choice, experiment, classification)
        for split in reversed(SPLITS):
            for arch, inputs in best.items():
                rows = rows_of(cases, (arch, inputs), split)
                found += [Judged(arch, inputs, experiment, split, rows)] if len(rows) else []
    return found


def subgroups(
    models: list[Judged], groups: Subgroups, classification: Classification, statistics: Statistics
) -> pd.DataFrame:
    """Return one row per covariate, group, split, network and measure: Dice of DSC-P a fraction, rates in percent.

    Each has its BCa interval, with persons resampled as a whole. ``patients`` counts those of the group, ``n`` those of
    the measure. A group with fewer than ``statistics.least_in_subgroup`` patients of a class that a measure needs is
    not estimable. A covariate that nothing is known of has one row, without a group, whose ``note`` gives the reason.

    >>> from residua.statistics.covariates import Subgroups
    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> how = Statistics(**numbers, best_inputs=best, subgroups=("sex",), least_in_subgroup=2)
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> patients = {"patient": ["P1", "P2", "P3", "P4"], "hospital": ["STO", "STO", "GOT", "GOT"]}
    >>> cases = pd.DataFrame({**patients, "reference_ml": 2.0, "dice": [0.8, 0.7, 0.3, 0.4]})
    >>> models = [Judged("nnunet", "B", "segmentation", "validation", cases)]
    >>> groups = Subgroups({"sex": dict(zip(patients["patient"], "FFMM"))}, {"sex": ("F", "M")}, {})
    >>> found = subgroups(models, groups, rule, how)
    >>> found[["group", "measure", "n", "estimate"]].values.tolist()
    [['F', 'dice', 2, 0.75], ['M', 'dice', 2, 0.35]]
    """
    rows: list[dict[str, Any]] = []
    for covariate in statistics.subgroups:
        if covariate in groups.lacking:
            rows.append({"covariate": covariate, "group": "", "patients": 0, "note": groups.lacking[covariate]})
        for group in groups.order.get(covariate, ()):
            for model in models:
                own = model.cases[model.cases["patient"].map(groups.of[covariate]) == group]
                rows += _rows({"covariate": covariate, "group": group}, model, own, classification, statistics)
    return tidy(rows, COLUMNS)


def _rows(
    names: Mapping[str, str],
    model: Judged,
    own: pd.DataFrame,
    classification: Classification,
    statistics: Statistics,
) -> Iterator[dict[str, Any]]:
    if own.empty:
        return
    tumour = has_residual_tumor(own["reference_ml"], classification.residual_tumor_ml)
    classes = {"residual tumour": own[tumour], "gross total resection": own[~tumour]}
    about = {**names, "split": model.split, "arch": model.arch, "inputs": model.inputs, "patients": len(own)}
    for measure in EXPERIMENTS[model.experiment]:
        needed = {name: classes[name] for name in _NEEDS[measure]}
        row = {**about, "measure": measure, "n": sum(map(len, needed.values()))}
        if few := _too_few(needed, statistics.least_in_subgroup):
            yield {**row, "note": f"not estimable: {few}"}
            continue
        of = _interval(measure, own, classification, statistics)
        yield {**row, "estimate": of.estimate, "low": of.low, "high": of.high, "note": of.note}


def _interval(measure: str, cases: pd.DataFrame, classification: Classification, statistics: Statistics) -> Interval:
    if measure == "dice":
        return dice_of_positive(cases, classification, statistics)
    how = (statistics.alpha, statistics.bootstrap_resamples, statistics.seed)
    return bca_interval(outcomes_of(cases, classification), measure, *how, persons_of(cases))


def _too_few(classes: Mapping[str, pd.DataFrame], least: int) -> str:
    """Say which classes have too few patients, or persons where some have several scans; empty: none has.

    >>> few = {"residual tumour": pd.DataFrame({"patient": ["P1"]}), "gross total resection": pd.DataFrame()}
    >>> _too_few(few, least=5)
    'fewer than 5 patients with residual tumour; no patient with gross total resection'
    """
    words = []
    for name, cases in classes.items():
        who, number = ("patient", len(cases)) if "person" not in cases else ("person", cases["person"].nunique())
        if number < least:
            words.append(f"{f'fewer than {least} {who}s' if number else f'no {who}'} with {name}")
    return "; ".join(words)


def estimable(values: pd.Series, group: pd.Series, least: int) -> dict[str, np.ndarray]:
    """Return the values of each group with at least ``least`` of them, in the order of the groups' first rows.

    >>> found = estimable(pd.Series([0.1, 0.2, 0.9]), pd.Series(["a", "a", "b"]), least=2)
    >>> {name: of.tolist() for name, of in found.items()}
    {'a': [0.1, 0.2]}
    """
    by_group = {str(name): of.to_numpy(np.float64) for name, of in values.groupby(group, sort=False)}
    return {name: of for name, of in by_group.items() if of.size >= least}
