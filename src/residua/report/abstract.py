"""The run in one paragraph, and its headline numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from residua.metrics.pooling import pool_cases
from residua.report.cohort import CohortFacts
from residua.report.facts import Model, best_models, classification_of, dice_of_positive
from residua.report.wording import counted, listed, one_of, percent
from residua.settings.study import Study
from residua.tables.cells import interval, mean_sd


@dataclass(frozen=True)
class Headline:
    """One number of the summary: its name, its value and the patients behind it."""

    what: str
    value: str
    detail: str


def abstract(study: Study, cohort: CohortFacts, cases: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Describe the run and its results on the hold-out in one paragraph."""
    names = listed([labels.get(arch, arch) for arch in study.archs])
    what = "patient" if cohort.persons == cohort.patients else "scan"
    return (
        f"{names} {'was' if len(study.archs) == 1 else 'were each'} trained with "
        f"{one_of(len(study.inputs))} input {'configuration' if len(study.inputs) == 1 else 'configurations'} "
        f"({listed(list(study.inputs))}) to segment residual glioblastoma on early post-operative MRI, in "
        f"{one_of(cohort.folds)} {cohort.unit}-grouped folds with {counted(cohort.in_folds, what)} in all, and "
        f"tested on {counted(cohort.held_out, what)} of the hold-out ({cohort.holdout}). "
        f"{_segmentation(study, cases, labels)} {_classification(study, cases, labels)}"
    )


def _segmentation(study: Study, cases: pd.DataFrame, labels: Mapping[str, str]) -> str:
    words = []
    for model in best_models(cases, study, "segmentation", labels):
        dice = dice_of_positive(model, cases, "test", study)
        words.append(f"{percent(dice.mean())} for {model.name} (n = {len(dice)})" if len(dice) else "")
    means = [word for word in words if word]
    if not means:
        return "No patient of the hold-out has residual tumour, so there is no Dice to report."
    return f"On the hold-out, mean Dice of the patients with residual tumour is {listed(means)}."


def _classification(study: Study, cases: pd.DataFrame, labels: Mapping[str, str]) -> str:
    words = []
    for model in best_models(cases, study, "classification", labels):
        counts, rates = classification_of(model, cases, "test", study)
        if "balanced_accuracy" not in rates.undefined:
            patients = counts.tp + counts.fn + counts.tn + counts.fp
            words.append(f"{percent(rates.balanced_accuracy / 100)} for {model.name} (n = {patients})")
    if not words:
        return "The hold-out has patients of one class only, so there is no balanced accuracy to report."
    return f"Balanced accuracy for residual tumour against gross total resection is {listed(words)}."


def headlines(study: Study, cases: pd.DataFrame, intervals: pd.DataFrame, labels: Mapping[str, str]) -> list[Headline]:
    """Return Dice and balanced accuracy on the hold-out of each network with its best input configuration."""
    return [
        *(_dice(model, study, cases) for model in best_models(cases, study, "segmentation", labels)),
        *(
            _balanced_accuracy(model, study, cases, intervals)
            for model in best_models(cases, study, "classification", labels)
        ),
    ]


def _dice(model: Model, study: Study, cases: pd.DataFrame) -> Headline:
    dice = mean_sd(pool_cases({0: dice_of_positive(model, cases, "test", study).to_numpy()}), 100)
    return Headline(f"{model.name}: DSC-P", f"{dice.text} %", f"hold-out, n = {dice.n} with residual tumour")


def _balanced_accuracy(model: Model, study: Study, cases: pd.DataFrame, intervals: pd.DataFrame) -> Headline:
    counts, rates = classification_of(model, cases, "test", study)
    value = "n/a" if "balanced_accuracy" in rates.undefined else f"{rates.balanced_accuracy:.2f} %"
    own = intervals[
        (intervals["arch"] == model.arch)
        & (intervals["inputs"] == model.inputs)
        & (intervals["split"] == "test")
        & (intervals["rate"] == "balanced_accuracy")
    ]
    known = len(own) and not pd.isna(own.iloc[0]["low"])
    level = f"{100 * (1 - study.statistics.alpha):g} %"
    between = f", {level} interval {interval(own.iloc[0]['low'], own.iloc[0]['high'])}" if known else ""
    return Headline(
        f"{model.name}: balanced accuracy",
        value,
        f"hold-out, n = {counts.tp + counts.fn} with and {counts.tn + counts.fp} without residual tumour{between}",
    )
