"""Set rows that networks make together beside the networks that make them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from residua.report.facts import SETS, Model, classification_of, dice_of_positive
from residua.report.findings import Finding
from residua.report.wording import listed, percent
from residua.settings.study import Study
from residua.statistics.best_inputs import best_inputs


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
    mean = float(dice_of_positive(model, cases, split, study).mean())
    return "undefined" if math.isnan(mean) else percent(mean)


def _balanced_accuracy(model: Model, cases: pd.DataFrame, split: str, study: Study) -> str:
    _, rates = classification_of(model, cases, split, study)
    return "undefined" if math.isnan(rates.balanced_accuracy) else percent(rates.balanced_accuracy / 100)
