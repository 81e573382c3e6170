"""Build Table 3: segmentation performance of every input configuration, split and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import WEAK_OVERLAP_DICE, count_weak_overlap
from residua.metrics.pooling import pool_cases
from residua.settings.classification import Classification
from residua.statistics.cases import folds_of, outcomes_of, read_cases
from residua.tables.cells import mean_sd, median, require_columns
from residua.tables.models import model_rows, rate_cell
from residua.tables.render import Cell, Table

COLUMNS = ("arch", "inputs", "split", "fold", "dice", "hd95_mm", "reference_ml", "predicted_ml")
"""Columns read beside ``absolute_volume_error_ml``; any others may be there."""

_RATES = {"Recall (%)": "recall", "Precision (%)": "precision", "F1 (%)": "f1"}


def table3(
    cases: pd.DataFrame,
    classification: Classification,
    arch_labels: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    folds_ddof: int = 1,
) -> Table:
    """Build one row per inputs, split and arch, in the order in which the names first appear in ``cases``.

    ``cases`` is the tidy results table, one row per patient, arch and inputs, with ``split`` "validation" or "test".
    Validation rows pool the folds (``residua.metrics.pooling``; ``folds_ddof`` is for the patient-wise sd); test rows
    are of the one set. ``notes`` are printed below. Raises ``ResiduaError`` for a missing column.
    """
    require_columns(cases, [*COLUMNS, "absolute_volume_error_ml"], "table 3")

    def cells(of_row: pd.DataFrame, split: str) -> dict[str, object]:
        return _cells(of_row, split, classification, folds_ddof)

    return Table(model_rows(cases, arch_labels or {}, cells), _caption(classification), tuple(notes))


def _cells(cases: pd.DataFrame, split: str, classification: Classification, folds_ddof: int) -> dict[str, object]:
    outcome, fold = outcomes_of(cases, classification), folds_of(cases)
    positive, found = np.isin(outcome, ["TP", "FN"]), outcome == "TP"
    error_ml = cases["absolute_volume_error_ml"].to_numpy()
    return {
        "DSC-P (%)": _pooled(cases["dice"], fold, positive, 100),
        "DSC-TP (%)": _pooled(cases["dice"], fold, found, 100),
        "HD95 (mm)": _pooled(cases["hd95_mm"], fold, positive),
        "AVE (ml)": median(error_ml),
        "AVE-P (ml)": median(error_ml[positive]),
        **{name: rate_cell(outcome, fold, split, rate, folds_ddof) for name, rate in _RATES.items()},
        f"TP with DSC < {100 * WEAK_OVERLAP_DICE:g} %": count_weak_overlap(outcome, cases["dice"]),
    }


def _pooled(values: pd.Series, fold: NDArray[np.int_], of: NDArray[np.bool_], scale: float = 1.0) -> Cell:
    every = values.to_numpy()
    return mean_sd(pool_cases({int(k): every[of & (fold == k)] for k in np.unique(fold)}), scale)


def _caption(classification: Classification) -> str:
    overlap = classification.min_overlap_dice
    found = f" and whose Dice is at least {overlap:g}" if overlap else ", whatever their overlap"
    return (
        "Table 3. Segmentation performance on the validation (Val) and test sets. P: patients with residual tumour "
        f"(at least {classification.residual_tumor_ml:g} ml) in the reference; TP: those of P with residual tumour in "
        f"the prediction too{found}. DSC: Dice. HD95, over P: the 95th percentile of both directed surface-distance "
        "sets concatenated (as MedPy), undefined when the prediction is empty. AVE: median absolute volume error over "
        "all patients; AVE-P: over P. Val: mean±sd, pooled over the folds; Test: mean±sd over patients, patient-wise "
        "rates in percent. n: patients behind a number; undefined: patients left out, for a patient-wise rate those of "
        "each fold in which it has no denominator."
    )


def performance_table(
    metrics: Sequence[str], classification: Classification, arch_labels: Mapping[str, str], notes: Sequence[str]
) -> Table:
    """Build Table 3 from the measurements of every network and input configuration."""
    return table3(read_cases(metrics), classification, arch_labels, notes)
