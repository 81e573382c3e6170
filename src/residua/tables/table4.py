"""Build Table 4: gross total resection against residual tumour for every input configuration, split and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import folds_of, outcomes_of, read_cases
from residua.tables.cells import require_columns
from residua.tables.models import folds_in_words, model_rows, rate_cell
from residua.tables.render import Table

COLUMNS = ("arch", "inputs", "split", "fold", "dice", "reference_ml", "predicted_ml")
"""Columns read; any others may be there."""

_RATES = {"Sensitivity (%)": "sensitivity", "Specificity (%)": "specificity", "bAcc (%)": "balanced_accuracy"}


def table4(
    cases: pd.DataFrame,
    classification: Classification,
    statistics: Statistics,
    arch_labels: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Table:
    """Build one row per inputs, split and arch, as in Table 3.

    ``cases`` is the tidy results table. Validation rows pool the folds, as ``statistics`` says; test rows are of the
    one set. ``notes`` are printed below. Raises ``ResiduaError`` for a missing column.
    """
    require_columns(cases, COLUMNS, "table 4")

    def cells(of_row: pd.DataFrame, split: str) -> dict[str, object]:
        outcome, fold = outcomes_of(of_row, classification), folds_of(of_row)
        return {name: rate_cell(outcome, fold, split, rate, statistics.folds_ddof) for name, rate in _RATES.items()}

    return Table(model_rows(cases, arch_labels or {}, cells), _caption(classification, statistics), tuple(notes))


def _caption(classification: Classification, statistics: Statistics) -> str:
    overlap = classification.min_overlap_dice
    found = f" of a Dice of at least {overlap:g} with the reference" if overlap else ""
    return (
        "Table 4. Classification of patients into residual tumour (positive: a volume of at least "
        f"{classification.residual_tumor_ml:g} ml) and gross total resection (negative: below) on the validation (Val) "
        "and test sets. Sensitivity: patients with residual tumour in the reference who have it in the prediction"
        f"{found}; specificity: patients with gross total resection in the reference who have it in the prediction; "
        f"bAcc: balanced accuracy, their mean. Val: mean±sd over {folds_in_words(statistics)}; Test: of the one set. "
        "n: patients of the set, of whom a rate counts those that it is about; undefined: patients left out, those of "
        "each fold in which a rate has no denominator."
    )


def classification_table(
    metrics: Sequence[str],
    classification: Classification,
    statistics: Statistics,
    arch_labels: Mapping[str, str],
    notes: Sequence[str],
) -> Table:
    """Build Table 4 from the measurements of every network and input configuration."""
    return table4(read_cases(metrics), classification, statistics, arch_labels, notes)
