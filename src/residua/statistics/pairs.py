"""Pair the models that are compared on the same patients, in families of tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import persons_of

SPLITS = ("test", "validation")
NETWORKS = "networks"
"""The family of the networks, each with its best inputs; the others are "inputs of" a network."""

COLUMNS = ("family", "split", "arch_1", "inputs_1", "arch_2", "inputs_2")


@dataclass(frozen=True)
class Pair:
    """Two models, each a network and its inputs, in a family of tests on one split."""

    family: str
    split: str
    first: tuple[str, str]
    second: tuple[str, str]

    @property
    def names(self) -> dict[str, str]:
        """The columns that name the pair."""
        return dict(zip(COLUMNS, (self.family, self.split, *self.first, *self.second), strict=True))


def pairs(
    cases: pd.DataFrame, choice: Mapping[str, str], experiment: str, classification: Classification
) -> list[Pair]:
    """Return the pairs of inputs of each network, then those of networks with their best inputs, for each split.

    >>> cases = pd.DataFrame({"arch": "nnunet", "inputs": ["A", "B"], "split": "test"})
    >>> settings = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> pairs(cases, {"nnunet": "B"}, "segmentation", settings)
    [Pair(family='inputs of nnunet', split='test', first=('nnunet', 'A'), second=('nnunet', 'B'))]
    """
    best = best_inputs(cases[cases["arch"].isin(list(choice))], choice, experiment, classification)
    families = {
        f"inputs of {arch}": [(str(arch), str(inputs)) for inputs in of_arch["inputs"].unique()]
        for arch, of_arch in cases.groupby("arch", sort=False)
    } | {NETWORKS: list(best.items())}
    return [
        Pair(family, split, first, second)
        for split in SPLITS
        for family, models in families.items()
        for first, second in combinations(_measured(cases, models, split), 2)
    ]


def _measured(cases: pd.DataFrame, models: Sequence[tuple[str, str]], split: str) -> list[tuple[str, str]]:
    """Select the models that have patients of a split: predictions made elsewhere may be of the hold-out alone."""
    return [model for model in models if len(rows_of(cases, model, split))]


def rows_of(cases: pd.DataFrame, model: tuple[str, str], split: str) -> pd.DataFrame:
    """Select the rows of a network with its inputs on one split.

    >>> cases = pd.DataFrame({"arch": "nnunet", "inputs": ["A", "B"], "split": "test", "patient": "AMS1"})
    >>> len(rows_of(cases, ("nnunet", "B"), "test"))
    1
    """
    return cases[(cases["arch"] == model[0]) & (cases["inputs"] == model[1]) & (cases["split"] == split)]


def matched(cases: pd.DataFrame, pair: Pair) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of both models for the patients that both have, in the same order.

    >>> models = {"inputs": ["A", "A", "B"], "patient": ["AMS1", "AMS2", "AMS2"]}
    >>> cases = pd.DataFrame({"arch": "nnunet", "split": "test", **models})
    >>> first, second = matched(cases, Pair("inputs of nnunet", "test", ("nnunet", "A"), ("nnunet", "B")))
    >>> first["patient"].tolist(), second["patient"].tolist()
    (['AMS2'], ['AMS2'])
    """
    first, second = (
        rows_of(cases, model, pair.split).set_index("patient", drop=False) for model in (pair.first, pair.second)
    )
    shared = [patient for patient in first.index if patient in second.index]
    return first.loc[shared].reset_index(drop=True), second.loc[shared].reset_index(drop=True)


def clusters_of(cases: pd.DataFrame) -> dict[str, NDArray[np.str_]]:
    """Return the hospital of each row, and the person where some persons have several scans.

    >>> clusters_of(pd.DataFrame({"patient": ["AMS1"], "hospital": ["AMS"]}))
    {'hospital': array(['AMS'], dtype='<U3')}
    """
    found = {"hospital": np.asarray(cases["hospital"], dtype=np.str_)}
    persons = persons_of(cases)
    return found if persons is None else {**found, "person": persons}


def noted(reasons: Mapping[str, str]) -> str:
    """Join reasons, each after what it is of; those of several once.

    >>> noted({"interval": "one patient only", "Wilcoxon": "one patient only", "detectable": ""})
    'interval, Wilcoxon: one patient only'
    """
    whose: dict[str, list[str]] = {}
    for what, reason in reasons.items():
        if reason:
            whose.setdefault(reason.replace("; ", " and "), []).append(what)
    return "; ".join(f"{', '.join(of)}: {reason}" for reason, of in whose.items())
