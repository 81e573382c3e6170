"""Numbers of a run that several parts of the report put into words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from residua.metrics.classification import Counts, Rates, count, rates
from residua.settings.study import Study
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import outcomes_of, positive
from residua.tables.cells import p_value

SETS = {"test": "hold-out", "validation": "out-of-fold"}
"""The names of the splits in sentences, in the order of the report."""

FEW = 20
"""Fewer patients than this are called few: each then changes a mean by 5 percentage points or more."""


@dataclass(frozen=True)
class Model:
    """A network with one of its input configurations."""

    arch: str
    inputs: str
    label: str

    @property
    def name(self) -> str:
        """The network and its input configuration."""
        return f"{self.label} {self.inputs}"

    def cases(self, cases: pd.DataFrame, split: str) -> pd.DataFrame:
        """Select the model's rows of one split."""
        own = (cases["arch"] == self.arch) & (cases["inputs"] == self.inputs) & (cases["split"] == split)
        return cases[own]


def best_models(cases: pd.DataFrame, study: Study, experiment: str, labels: Mapping[str, str]) -> list[Model]:
    """Return each network of the study's own with its best input configuration for an experiment."""
    own = cases[cases["arch"].isin(study.archs)]
    chosen = best_inputs(own, study.choices(experiment), experiment, study.classification)
    return [Model(arch, inputs, labels.get(arch, arch)) for arch, inputs in chosen.items()]


def dice_of_positive(model: Model, cases: pd.DataFrame, split: str, study: Study) -> pd.Series:
    """Return Dice (a fraction) by patient with residual tumour."""
    own = positive(model.cases(cases, split), study.classification)
    return pd.Series(own["dice"].to_numpy(dtype=np.float64), index=own["patient"].to_numpy())


def outcomes_of_best(cases: pd.DataFrame, study: Study, labels: Mapping[str, str]) -> list[tuple[Model, Counts]]:
    """Count the patients of the hold-out by outcome, for each network with its best inputs for the classification."""
    models = best_models(cases, study, "classification", labels)
    return [(model, classification_of(model, cases, "test", study)[0]) for model in models]


def classification_of(model: Model, cases: pd.DataFrame, split: str, study: Study) -> tuple[Counts, Rates]:
    """Count patients by outcome, and return the rates in percent, of one split as one set."""
    counts = count(outcomes_of(model.cases(cases, split), study.classification))
    return counts, rates(counts)


def p_in_words(value: float) -> str:
    """Write a p-value as ``p = 0.0079`` or ``p < 0.0001``."""
    text = p_value(value)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"
