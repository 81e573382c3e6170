"""Table 3: segmentation performance of every inputs, split and network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import WEAK_OVERLAP_DICE, count, count_weak_overlap, outcomes, rates
from residua.metrics.pooling import pool_cases, pool_rates
from residua.study import Classification
from residua.tables.cells import mean_sd, median, plain, require_columns
from residua.tables.render import Cell, Table

COLUMNS = ("arch", "inputs", "split", "fold", "dice", "hd95_mm", "reference_ml", "predicted_ml")
"""Columns read beside ``absolute_volume_error_ml``; any others may be there."""

_SPLITS = {"validation": "Val", "test": "Test"}
_RATES = {"Recall (%)": "recall", "Precision (%)": "precision", "F1 (%)": "f1"}


def table3(
    cases: pd.DataFrame,
    classification: Classification,
    arch_labels: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    folds_ddof: int = 1,
) -> Table:
    """One row for each inputs, split and arch, in the order in which the names first appear in ``cases``.

    ``cases`` is the tidy results table, one row a patient, arch and inputs, with ``split`` "validation" or "test".
    Validation rows pool the folds (``residua.metrics.pooling``; ``folds_ddof`` is for the patient-wise sd), test rows
    are of the one set. ``notes`` are printed below. Raises ``ResiduaError`` for a missing column.
    """
    require_columns(cases, [*COLUMNS, "absolute_volume_error_ml"], "table 3")
    labels = arch_labels or {}
    rows = []
    for inputs in cases["inputs"].unique():
        for split, label in _SPLITS.items():
            for arch in cases["arch"].unique():
                of = (cases["inputs"] == inputs) & (cases["split"] == split) & (cases["arch"] == arch)
                if of.any():
                    names = {"Input": str(inputs), "Data": label, "Arch.": labels.get(arch, str(arch))}
                    rows.append({**names, **_cells(cases[of], split, classification, folds_ddof)})
    return Table(pd.DataFrame(rows, dtype=object), _caption(classification), tuple(notes))


def _cells(cases: pd.DataFrame, split: str, classification: Classification, folds_ddof: int) -> dict[str, object]:
    outcome = _outcomes(cases, classification)
    # The test set is one fold, whose pooled mean and sd are the plain ones.
    fold = cases["fold"].to_numpy() if split == "validation" else np.zeros(len(cases), dtype=int)
    positive, found = np.isin(outcome, ["TP", "FN"]), outcome == "TP"
    error_ml = cases["absolute_volume_error_ml"].to_numpy()
    return {
        "DSC-P (%)": _pooled(cases["dice"], fold, positive, 100),
        "DSC-TP (%)": _pooled(cases["dice"], fold, found, 100),
        "HD95 (mm)": _pooled(cases["hd95_mm"], fold, positive),
        "AVE (ml)": median(error_ml),
        "AVE-P (ml)": median(error_ml[positive]),
        **{name: _rate(outcome, fold, split, rate, folds_ddof) for name, rate in _RATES.items()},
        f"TP with DSC < {100 * WEAK_OVERLAP_DICE:g} %": count_weak_overlap(outcome, cases["dice"]),
    }


def _outcomes(cases: pd.DataFrame, classification: Classification) -> NDArray[np.str_]:
    return outcomes(
        cases["reference_ml"],
        cases["predicted_ml"],
        classification.residual_tumor_ml,
        cases["dice"],
        classification.min_overlap_dice,
    )


def _pooled(values: pd.Series, fold: NDArray[np.int_], of: NDArray[np.bool_], scale: float = 1.0) -> Cell:
    every = values.to_numpy()
    return mean_sd(pool_cases({int(k): every[of & (fold == k)] for k in np.unique(fold)}), scale)


def _rate(outcome: NDArray[np.str_], fold: NDArray[np.int_], split: str, rate: str, folds_ddof: int) -> Cell:
    by_fold = {int(k): count(outcome[fold == k]) for k in np.unique(fold)}
    patients = {k: counts.patients for k, counts in by_fold.items()}
    percent = {k: float(getattr(rates(counts), rate)) for k, counts in by_fold.items()}
    if split == "test":
        return plain(percent[0], patients[0])
    return mean_sd(pool_rates(percent, patients, folds_ddof))


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
