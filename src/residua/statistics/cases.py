"""Select and classify the measured cases: one row per patient, network and input configuration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import count, has_residual_tumor, outcomes, rates
from residua.metrics.pooling import Pooled, pool_cases, pool_rates
from residua.settings.classification import Classification
from residua.settings.statistics import FoldWeights

RATES = ("sensitivity", "specificity", "balanced_accuracy")
"""The rates by which networks are compared; ``Rates`` holds them under these names."""


def read_cases(files: Sequence[str]) -> pd.DataFrame:
    """Read the measurements of several models (``results/metrics``) into one frame, in the order of the files.

    >>> for inputs in ("A", "B"):
    ...     pd.DataFrame({"inputs": [inputs], "dice": [0.5]}).to_parquet(f"{inputs}.parquet")
    >>> read_cases(["A.parquet", "B.parquet"])["inputs"].tolist()
    ['A', 'B']
    """
    frames = [pd.read_parquet(file) for file in files]
    # An empty one, of a model that could predict nobody, would change the types of the others.
    return pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)


def outcomes_of(cases: pd.DataFrame, classification: Classification) -> NDArray[np.str_]:
    """Return the outcome of each row, "TP", "FN", "FP" or "TN", by the settings of the study.

    >>> cases = pd.DataFrame({"reference_ml": [1.0, 1.0], "predicted_ml": [0.9, 0.0], "dice": [0.8, 0.0]})
    >>> outcomes_of(cases, Classification(residual_tumor_ml=0.5, min_overlap_dice=0)).tolist()
    ['TP', 'FN']
    """
    return outcomes(
        cases["reference_ml"],
        cases["predicted_ml"],
        classification.residual_tumor_ml,
        cases["dice"],
        classification.min_overlap_dice,
    )


def pooled_rate(outcome: NDArray[np.str_], fold: NDArray[np.int_], rate: str, folds_ddof: int) -> Pooled:
    """Compute a rate (of ``Rates``) in percent for each fold and pool it; one fold gives its plain rate.

    >>> pooled_rate(np.array(["TP", "FN", "TP", "TP"]), np.array([0, 0, 1, 1]), "recall", 0).mean
    75.0
    """
    by_fold = {int(k): count(outcome[fold == k]) for k in np.unique(fold)}
    percent = {k: float(getattr(rates(counts), rate)) for k, counts in by_fold.items()}
    return pool_rates(percent, {k: counts.patients for k, counts in by_fold.items()}, folds_ddof)


def pooled_metric(
    values: NDArray[np.float64], fold: NDArray[np.int_], of: NDArray[np.bool_], weights: FoldWeights
) -> Pooled:
    """Pool a metric of each patient over the folds, from the patients ``of``; one fold gives its plain mean and sd.

    >>> values = np.array([1.0, 3.0, 5.0])
    >>> fold, of = np.array([0, 0, 1]), np.array([True, False, True])
    >>> [round(pooled_metric(values, fold, of, weights).mean, 2) for weights in ("with_metric", "all_patients")]
    [3.0, 2.33]
    """
    by_fold = {int(k): values[of & (fold == k)] for k in np.unique(fold)}
    patients = {k: int((fold == k).sum()) for k in by_fold} if weights == "all_patients" else None
    return pool_cases(by_fold, patients)


def folds_of(cases: pd.DataFrame) -> NDArray[np.int_]:
    """Return the fold of each row of one split; the test set is one fold, 0, so that its pooled numbers are plain ones.

    >>> folds_of(pd.DataFrame({"fold": [1, None]})).tolist()
    [1, 0]
    """
    return np.asarray(cases["fold"].astype("Int64").fillna(0), dtype=np.int_)


def persons_of(cases: pd.DataFrame) -> NDArray[np.str_] | None:
    """Return the person of each row; None where every row is of another person, as in most studies.

    >>> persons_of(pd.DataFrame({"patient": ["P1", "P1b"], "person": ["P1", "P1"]})).tolist()
    ['P1', 'P1']
    """
    if "person" not in cases or not cases["person"].duplicated().any():
        return None
    return np.asarray(cases["person"], dtype=np.str_)


def by_person(cases: pd.DataFrame, column: str) -> pd.Series:
    """Return the values of a column, one for each person: the mean of the person's scans, for tests of independence.

    >>> by_person(pd.DataFrame({"person": ["P1", "P1", "P2"], "dice": [0.4, 0.6, 0.9]}), "dice").tolist()
    [0.5, 0.9]
    """
    if persons_of(cases) is None:
        return cases[column]
    return cases.groupby("person", sort=False)[column].mean()


def positive(cases: pd.DataFrame, classification: Classification) -> pd.DataFrame:
    """Return the rows of DSC-P: patients with residual tumour in the reference.

    >>> cases = pd.DataFrame({"patient": ["AMS1", "AMS2"], "reference_ml": [0.0, 2.0]})
    >>> positive(cases, Classification(residual_tumor_ml=0.175, min_overlap_dice=0))["patient"].tolist()
    ['AMS2']
    """
    return cases[has_residual_tumor(cases["reference_ml"], classification.residual_tumor_ml)]
