"""Set rows that networks make together beside the networks that make them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from residua.metrics.classification import has_residual_tumor
from residua.report.facts import SETS, Model
from residua.report.findings import Finding
from residua.report.wording import listed, percent
from residua.settings.study import Study
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import folds_of, outcomes_of, pooled_metric, pooled_rate


def combinations(cases: pd.DataFrame, study: Study, labels: Mapping[str, str]) -> Finding | None:
    """Compare each combination with its networks, all with the same inputs; None for a study without any."""
    own = cases[cases["arch"].isin(list(study.combinations))]
    if own.empty:
        return None
    chosen = best_inputs(own, study.choices("classification"), "classification", study.classification)
    sentences = [
        _sentence(name, inputs, split, cases, study, labels)
        for name, inputs in chosen.items()
        for split in SETS
        if not own[(own["arch"] == name) & (own["split"] == split)].empty
    ]
    return Finding("What do networks find together?", tuple(sentences))


def _sentence(name: str, inputs: str, split: str, cases: pd.DataFrame, study: Study, labels: Mapping[str, str]) -> str:
    models = [Model(arch, inputs, labels.get(arch, arch)) for arch in (name, *study.combinations[name].archs)]
    dice = [_dice(model, cases, split, study) for model in models]
    rates = [_balanced_accuracy(model, cases, split, study) for model in models]
    return (
        f"{models[0].name}, {SETS[split]}: mean Dice of the patients with residual tumour {_beside(models, dice)}; "
        f"balanced accuracy {_beside(models, rates)}."
    )


def _beside(models: list[Model], values: list[str]) -> str:
    alone = [f"{model.label} alone {value}" for model, value in zip(models[1:], values[1:], strict=True)]
    return f"{values[0]} ({listed(alone)})"


def _dice(model: Model, cases: pd.DataFrame, split: str, study: Study) -> str:
    """Return the mean of Table 3."""
    own = model.cases(cases, split)
    positive = has_residual_tumor(own["reference_ml"], study.classification.residual_tumor_ml)
    dice = own["dice"].to_numpy(dtype=float)
    return _mean(pooled_metric(dice, folds_of(own), positive, study.statistics.fold_weights).mean)


def _balanced_accuracy(model: Model, cases: pd.DataFrame, split: str, study: Study) -> str:
    """Return the mean of Table 4."""
    own = model.cases(cases, split)
    outcome = outcomes_of(own, study.classification)
    return _mean(pooled_rate(outcome, folds_of(own), "balanced_accuracy", study.statistics.folds_ddof).mean / 100)


def _mean(fraction: float) -> str:
    return "undefined" if math.isnan(fraction) else percent(fraction)
