"""Build the rows that Tables 3 and 4 share: every input configuration, split and network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import count, rates
from residua.settings.statistics import Statistics
from residua.statistics.cases import pooled_rate
from residua.tables.cells import mean_sd, plain
from residua.tables.render import Cell

SPLITS = {"validation": "Val", "test": "Test"}


def model_rows(
    cases: pd.DataFrame, arch_labels: Mapping[str, str], cells: Callable[[pd.DataFrame, str], dict[str, object]]
) -> pd.DataFrame:
    """Build one row per inputs, split and arch, in the order in which the names first appear in ``cases``.

    ``cells`` returns the row's cells by column, from its cases and their split. A network without a label keeps its
    name.
    """
    rows = []
    for inputs in cases["inputs"].unique():
        for split, label in SPLITS.items():
            for arch in cases["arch"].unique():
                of = (cases["inputs"] == inputs) & (cases["split"] == split) & (cases["arch"] == arch)
                if of.any():
                    names = {"Input": str(inputs), "Data": label, "Arch.": arch_labels.get(arch, str(arch))}
                    rows.append({**names, **cells(cases[of], split)})
    return pd.DataFrame(rows, dtype=object)


def folds_in_words(statistics: Statistics) -> str:
    """Name the divisor of the spread over the folds in a caption: "the folds (divided by n)"."""
    return f"the folds (divided by {'n − 1' if statistics.folds_ddof else 'n'})"


def rate_cell(outcome: NDArray[np.str_], fold: NDArray[np.int_], split: str, rate: str, folds_ddof: int) -> Cell:
    """Print a rate (a field of ``Rates``) in percent: plain on the test set, "mean±sd" over the folds on validation."""
    if split == "test":
        return plain(float(getattr(rates(count(outcome)), rate)), outcome.size)
    return mean_sd(pooled_rate(outcome, fold, rate, folds_ddof))
