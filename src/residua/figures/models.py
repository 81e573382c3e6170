"""Choose the models that the further figures show: each network with its best inputs, and how splits are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs
from residua.words import listed

SPLITS = {"validation": "Out of fold", "test": "Hold-out"}
"""The splits from the first to the last, and their titles."""


@dataclass(frozen=True)
class ShownModel:
    """A network with its best inputs: its name, and its rows of both splits."""

    arch: str
    inputs: str
    name: str
    cases: pd.DataFrame

    def of(self, split: str) -> pd.DataFrame:
        """Return the rows of one split."""
        return self.cases[self.cases["split"] == split]

    def rows_of(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of another table that are of this model."""
        return frame[(frame["arch"] == self.arch) & (frame["inputs"] == self.inputs)]


def best_of(
    cases: pd.DataFrame,
    choice: Mapping[str, str],
    experiment: str,
    classification: Classification,
    arch_labels: Mapping[str, str],
) -> list[ShownModel]:
    """Return every network that ``choice`` names, with its best inputs for an experiment."""
    known = cases[cases["arch"].isin(list(choice))]
    return [
        ShownModel(
            arch,
            inputs,
            f"{arch_labels.get(arch, arch)} {inputs}",
            known[_is(known, arch) & (known["inputs"] == inputs)],
        )
        for arch, inputs in best_inputs(known, choice, experiment, classification).items()
    ]


def _is(cases: pd.DataFrame, arch: str) -> pd.Series:
    return cases["arch"] == arch


def named(models: Iterable[ShownModel]) -> str:
    """Write the names of models as a list."""
    return listed([model.name for model in models])


def sizes(models: Sequence[ShownModel], split: str) -> str:
    """Write how many patients of a split the models judge: one number, or from the fewest to the most."""
    found = sorted({model.of(split)["patient"].nunique() for model in models})
    return "0" if not found else str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"
