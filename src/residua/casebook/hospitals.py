"""Summarise the results of each hospital."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from residua.metrics.classification import count, rates
from residua.metrics.pooling import pool_cases
from residua.settings.classification import Classification
from residua.statistics.cases import positive
from residua.tables.cells import mean_sd, median
from residua.words import listed

OUTCOMES = {"TP": "found", "FN": "missed", "FP": "false alarm", "TN": "no residual tumour, none found"}
"""The outcomes of a patient, in words."""


@dataclass(frozen=True)
class Summary:
    """The numbers of one network at one hospital, as printed."""

    model: str
    patients: int
    with_tumour: int
    dice: str
    volume_error: str
    found: str
    false_alarms: str
    balanced_accuracy: str


@dataclass(frozen=True)
class PatientRow:
    """One patient of a hospital, by one network, as printed."""

    patient: str
    part: str
    model: str
    reference: str
    predicted: str
    dice: str
    hd95: str
    outcome: str
    failed: bool


def part_of(row: Mapping[Any, Any]) -> str:
    """Name the part of the split in which a patient was judged."""
    return "hold-out" if row["split"] == "test" else f"fold {row['fold']}"


def parts_of(rows: pd.DataFrame) -> list[str]:
    """Name the parts of the split in which patients were judged: the folds in one, and the hold-out."""
    folds = sorted({int(fold) for fold in rows.loc[rows["split"] != "test", "fold"]})
    named = [f"fold{'s' if len(folds) > 1 else ''} {listed([str(fold) for fold in folds])}"] if folds else []
    return [*named, *(["hold-out"] if (rows["split"] == "test").any() else [])]


def summaries(rows: pd.DataFrame, models: Mapping[str, str], classification: Classification) -> list[Summary]:
    """Summarise the rows (with outcomes) of one hospital for each network."""
    return [_summary(own, models[str(arch)], classification) for arch, own in rows.groupby("arch", sort=False)]


def _summary(rows: pd.DataFrame, model: str, classification: Classification) -> Summary:
    dice = positive(rows, classification)["dice"].to_numpy(dtype=float)
    counts = count(rows["outcome"].to_numpy(dtype=str))
    found = rates(counts)
    resected = counts.fp + counts.tn
    return Summary(
        model=model,
        patients=len(rows),
        with_tumour=len(dice),
        dice=_mean(dice),
        volume_error=median(rows["absolute_volume_error_ml"]).text,
        found=f"{counts.tp} of {len(dice)}" if len(dice) else "no patient with residual tumour",
        false_alarms=f"{counts.fp} of {resected}" if resected else "no patient without residual tumour",
        balanced_accuracy="not estimable: one class only"
        if "balanced_accuracy" in found.undefined
        else f"{found.balanced_accuracy:.2f}",
    )


def _mean(dice: NDArray[np.float64]) -> str:
    if not len(dice):
        return "no patient with residual tumour"
    return f"{100 * dice[0]:.2f} (one patient)" if len(dice) == 1 else mean_sd(pool_cases({0: dice}), 100).text


def patients(rows: pd.DataFrame, models: Mapping[str, str]) -> list[PatientRow]:
    """List the rows (with outcomes) of one hospital, patient by patient, in the order of the frame."""
    order = {patient: number for number, patient in enumerate(dict.fromkeys(rows["patient"]))}
    records: Sequence[dict[Any, Any]] = rows.to_dict("records")
    return [_row(row, models) for row in sorted(records, key=lambda row: order[row["patient"]])]


def _row(row: Mapping[Any, Any], models: Mapping[str, str]) -> PatientRow:
    return PatientRow(
        patient=str(row["patient"]),
        part=part_of(row),
        model=models[row["arch"]],
        reference=f"{row['reference_ml']:.2f}",
        predicted=f"{row['predicted_ml']:.2f}",
        dice=_defined(row["dice"], 100, 1),
        hd95=_defined(row["hd95_mm"], 1, 1),
        outcome=OUTCOMES[row["outcome"]],
        failed=row["outcome"] in ("FN", "FP"),
    )


def _defined(value: float, scale: float, digits: int) -> str:
    return "not defined" if pd.isna(value) else f"{scale * value:.{digits}f}"
