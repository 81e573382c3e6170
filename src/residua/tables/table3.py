"""Build Table 3: segmentation performance of every input configuration, split and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import WEAK_OVERLAP_DICE, count_weak_overlap
from residua.settings.classification import Classification
from residua.settings.statistics import FoldWeights, Statistics
from residua.statistics.cases import folds_of, outcomes_of, pooled_metric, read_cases
from residua.tables.cells import mean_sd, median, require_columns
from residua.tables.models import folds_in_words, model_rows, rate_cell
from residua.tables.render import Cell, Table

COLUMNS = ("arch", "inputs", "split", "fold", "dice", "hd95_mm", "reference_ml", "predicted_ml")
"""Columns read beside ``absolute_volume_error_ml``; any others may be there."""

BY_OVERLAP = "DSC-TP by overlap (%)"
"""Dice of the patients of P that overlap: those behind the article's printed DSC-TP."""

_RATES = {"Recall (%)": "recall", "Precision (%)": "precision", "F1 (%)": "f1"}


def table3(
    cases: pd.DataFrame,
    classification: Classification,
    statistics: Statistics,
    arch_labels: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """Build one row per inputs, split and arch, in the order in which the names first appear in ``cases``.

    ``cases`` is the tidy results table, one row per patient, arch and inputs, with ``split`` "validation" or "test".
    Validation rows pool the folds (``residua.metrics.pooling``), as ``statistics`` says; test rows are of the one set.
    ``notes`` are printed below. Raises ``ResiduaError`` for a missing column.
    """
    require_columns(cases, [*COLUMNS, "absolute_volume_error_ml"], "table 3")

    def cells(of_row: pd.DataFrame, split: str) -> dict[str, object]:
        return _cells(of_row, split, classification, statistics)

    return Table(model_rows(cases, arch_labels or {}, cells), _caption(classification, statistics), tuple(notes))


def _cells(
    cases: pd.DataFrame, split: str, classification: Classification, statistics: Statistics
) -> dict[str, object]:
    outcome, fold = outcomes_of(cases, classification), folds_of(cases)
    positive, found = np.isin(outcome, ["TP", "FN"]), outcome == "TP"
    overlapping = positive & (cases["dice"].to_numpy() >= _least_overlap(classification))
    pooled = partial(_pooled, fold=fold, weights=statistics.fold_weights)
    error_ml = cases["absolute_volume_error_ml"].to_numpy()
    return {
        "DSC-P (%)": pooled(cases["dice"], of=positive, scale=100),
        "DSC-TP (%)": pooled(cases["dice"], of=found, scale=100),
        BY_OVERLAP: pooled(cases["dice"], of=overlapping, scale=100),
        "HD95 (mm)": pooled(cases["hd95_mm"], of=positive),
        "AVE (ml)": median(error_ml),
        "AVE-P (ml)": median(error_ml[positive]),
        **{name: rate_cell(outcome, fold, split, rate, statistics.folds_ddof) for name, rate in _RATES.items()},
        f"TP with DSC < {100 * WEAK_OVERLAP_DICE:g} %": count_weak_overlap(outcome, cases["dice"]),
    }


def _pooled(
    values: pd.Series, fold: NDArray[np.int_], of: NDArray[np.bool_], weights: FoldWeights, scale: float = 1.0
) -> Cell:
    return mean_sd(pooled_metric(values.to_numpy(), fold, of, weights), scale)


def _least_overlap(classification: Classification) -> float:
    return classification.min_overlap_dice or WEAK_OVERLAP_DICE


def _caption(classification: Classification, statistics: Statistics) -> str:
    overlap = classification.min_overlap_dice
    found = f" and whose Dice is at least {overlap:g}" if overlap else ", whatever their overlap"
    return (
        "Table 3. Segmentation performance on the validation (Val) and test sets. P: patients with residual tumour "
        f"(at least {classification.residual_tumor_ml:g} ml) in the reference; TP: those of P with residual tumour in "
        f"the prediction too{found}. DSC: Dice. By overlap: patients of P whose Dice is at least "
        f"{_least_overlap(classification):g}, whatever the predicted volume. HD95, over P: the 95th percentile of both "
        "directed surface-distance sets concatenated (as MedPy), undefined when the prediction is empty. AVE: median "
        f"absolute volume error over all patients; AVE-P: over P. {_spread(statistics)} n: patients behind a number, "
        "of whom a patient-wise rate counts those that it is about; undefined: patients left out, for a patient-wise "
        "rate those of each fold in which it has no denominator."
    )


def _spread(statistics: Statistics) -> str:
    weighed = {"with_metric": "patients that have the metric", "all_patients": "number of all patients"}
    return (
        f"Val: mean±sd over patients, pooled from the folds, each weighed by its {weighed[statistics.fold_weights]}; "
        f"patient-wise rates: mean±sd over {folds_in_words(statistics)}, in percent. Test: mean±sd over patients; "
        "patient-wise rates in percent."
    )


def performance_table(
    metrics: Sequence[str],
    classification: Classification,
    statistics: Statistics,
    arch_labels: Mapping[str, str],
    notes: Sequence[str],
) -> Table:
    """Build Table 3 from the measurements of every network and input configuration."""
    return table3(read_cases(metrics), classification, statistics, arch_labels, notes)
