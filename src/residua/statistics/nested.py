"""Estimate what the choice of threshold and input configuration adds to out-of-fold performance.

A threshold that is chosen and judged on the same patients looks better than it is; so does the best of several input
configurations. The nested estimate chooses both without the fold that is judged (Varma and Simon 2006). The hold-out
plays no part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from residua.errors import ResiduaError
from residua.settings.classification import Classification
from residua.settings.statistics import OUT_OF_FOLD
from residua.statistics.best_inputs import best_inputs, score_of
from residua.statistics.cases import positive
from residua.statistics.frames import tidy

EXPERIMENTS = {"segmentation": 100.0, "classification": 1.0}
"""The experiments, and the factor that makes percent of their score."""

COLUMNS = ("experiment", "arch", "chosen", "inputs", "without", "n", "pooled", "nested", "optimism", "note")
Model = tuple[str, str]


@dataclass(frozen=True)
class Candidates:
    """The patients of one model at every candidate, the threshold chosen on all folds, and those without each fold."""

    rows: pd.DataFrame
    threshold: float
    nested: Mapping[int, float]

    def at(self, threshold: float) -> pd.DataFrame:
        """Return the rows of one threshold as validation cases."""
        return self.rows[self.rows["threshold"] == threshold].assign(split="validation")

    def threshold_without(self, fold: int) -> float:
        """Return the threshold that the other folds chose; a model without patients in a fold chose without it."""
        return self.nested.get(fold, self.threshold)

    def without(self, fold: int) -> pd.DataFrame:
        """Return the rows of all folds at this threshold."""
        return self.at(self.threshold_without(fold))


def nested_estimates(
    models: Mapping[Model, Candidates], choices: Mapping[str, Mapping[str, str]], classification: Classification
) -> pd.DataFrame:
    """Return one row per experiment, network and what is chosen: the threshold alone, or the inputs as well.

    ``choices`` names, by experiment and network, the inputs for which the threshold alone is chosen. ``pooled`` is
    chosen and judged on all folds, ``nested`` judges each fold by what the others chose, and ``optimism`` is the
    first minus the second: percent and points, of mean Dice of DSC-P or pooled balanced accuracy. ``without`` lists the
    choice without each fold. Inputs are judged on the patients that all of them have.

    >>> dice = {"threshold": [0.3, 0.5] * 2, "dice": [0.8, 0.6, 0.4, 0.5], "patient": ["P1", "P1", "P2", "P2"]}
    >>> rows = pd.DataFrame({"fold": [0, 0, 1, 1], "reference_ml": 2.0, "predicted_ml": 2.0, **dice})
    >>> models = {("nnunet", "B"): Candidates(rows, threshold=0.3, nested={0: 0.5, 1: 0.3})}
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> (row,) = nested_estimates(models, {"segmentation": {"nnunet": "B"}}, rule).to_dict("records")
    >>> row["without"], round(row["pooled"], 1), round(row["nested"], 1), round(row["optimism"], 1)
    ('0: B at 0.5; 1: B at 0.3', 60.0, 50.0, 10.0)
    """
    rows = []
    for experiment, by_arch in choices.items():
        for arch in dict.fromkeys(arch for arch, _ in models):
            own = {model: found for model, found in models.items() if model[0] == arch}
            asked = {"threshold": by_arch[arch], "threshold and inputs": OUT_OF_FOLD}
            for chosen, choice in asked.items():
                if chosen == "threshold" or len(own) > 1:
                    names = {"experiment": experiment, "arch": arch, "chosen": chosen}
                    rows.append({**names, **_estimated(own, choice, chosen, experiment, classification)})
    return tidy(rows, COLUMNS)


def _estimated(
    own: Mapping[Model, Candidates], choice: str, chosen: str, experiment: str, classification: Classification
) -> dict[str, Any]:
    try:
        at_chosen = {model: found.at(found.threshold) for model, found in own.items()}
        inputs = _inputs(at_chosen, choice, experiment, classification)
        pooled = own[inputs].at(own[inputs].threshold)
        if not own[inputs].nested:
            return {"inputs": inputs[1], "without": "", "note": "not estimable: one fold only"}
        fixed = inputs if chosen == "threshold" else None
        judged, without = _judged(own, fixed, experiment, classification)
        if fixed is None:
            # Inputs that have other patients would differ by these, and not by what is chosen.
            shared = set.intersection(*(set(found.rows["patient"]) for found in own.values()))
            pooled, judged = (cases[cases["patient"].isin(shared)] for cases in (pooled, judged))
    except ResiduaError:
        lacking = "a patient of each class" if experiment == "classification" else "residual tumour"
        return {"inputs": "", "without": "", "note": f"not estimable: the folds that choose lack {lacking}"}
    scale = EXPERIMENTS[experiment]
    of_all, of_nested = (scale * score_of(cases, experiment, classification) for cases in (pooled, judged))
    found = {"inputs": inputs[1], "without": without, "n": _judging(judged, experiment, classification)}
    if math.isnan(of_all) or math.isnan(of_nested):
        return {**found, "note": "not estimable: the folds lack a class"}
    return {**found, "pooled": of_all, "nested": of_nested, "optimism": of_all - of_nested, "note": ""}


def _judged(
    own: Mapping[Model, Candidates], fixed: Model | None, experiment: str, classification: Classification
) -> tuple[pd.DataFrame, str]:
    """Return the patients of each fold as the choice without it judges them, and these choices in words."""
    folds = sorted({fold for found in own.values() for fold in found.nested})
    parts, words = [], []
    for fold in folds:
        others = {}
        for model, found in own.items():
            rows = found.without(fold)
            others[model] = rows[rows["fold"] != fold]
        best = fixed or _inputs(others, OUT_OF_FOLD, experiment, classification)
        rows = own[best].without(fold)
        parts.append(rows[rows["fold"] == fold])
        words.append(f"{fold}: {best[1]} at {own[best].threshold_without(fold):g}")
    return pd.concat(parts, ignore_index=True), "; ".join(words)


def _inputs(cases: Mapping[Model, pd.DataFrame], choice: str, experiment: str, classification: Classification) -> Model:
    arch = next(iter(cases))[0]
    every = pd.concat([rows.assign(arch=arch, inputs=inputs) for (_, inputs), rows in cases.items()], ignore_index=True)
    return arch, best_inputs(every, {arch: choice}, experiment, classification)[arch]


def _judging(cases: pd.DataFrame, experiment: str, classification: Classification) -> int:
    return len(positive(cases, classification)) if experiment == "segmentation" else len(cases)
