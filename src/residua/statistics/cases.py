"""What the statistics and the tables take from the tidy results: one row a patient, network and inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import count, has_residual_tumor, outcomes, rates
from residua.metrics.pooling import Pooled, pool_rates
from residua.settings.classification import Classification


def read_cases(files: Sequence[str]) -> pd.DataFrame:
    """The measurements of several networks and inputs (``results/metrics``) as one frame, in the order of the files."""
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def outcomes_of(cases: pd.DataFrame, classification: Classification) -> NDArray[np.str_]:
    """Each row's outcome, "TP", "FN", "FP" or "TN", as the study's settings define them."""
    return outcomes(
        cases["reference_ml"],
        cases["predicted_ml"],
        classification.residual_tumor_ml,
        cases["dice"],
        classification.min_overlap_dice,
    )


def pooled_rate(outcome: NDArray[np.str_], fold: NDArray[np.int_], rate: str, folds_ddof: int = 1) -> Pooled:
    """A rate (a field of ``Rates``) in percent, of each fold and then pooled; one fold gives its plain rate."""
    by_fold = {int(k): count(outcome[fold == k]) for k in np.unique(fold)}
    percent = {k: float(getattr(rates(counts), rate)) for k, counts in by_fold.items()}
    return pool_rates(percent, {k: counts.patients for k, counts in by_fold.items()}, folds_ddof)


def folds_of(cases: pd.DataFrame) -> NDArray[np.int_]:
    """The fold of each row of one split; the test set is one fold, 0, whose pooled mean and sd are the plain ones."""
    return np.asarray(cases["fold"].astype("Int64").fillna(0), dtype=np.int_)


def positive(cases: pd.DataFrame, classification: Classification) -> pd.DataFrame:
    """The rows of DSC-P: patients with residual tumour in the reference."""
    return cases[has_residual_tumor(cases["reference_ml"], classification.residual_tumor_ml)]
