"""The stage ``measure``: published segmentations in, one row of metrics per patient out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from residua.images.pairs import load_pair
from residua.metrics.voxelwise import measure_case
from residua.publishing.images import by_patient


def measure_all(
    segmentations: Mapping[str, str], references: Mapping[str, str], cases: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    """One row per case: split, fold (missing for the test set), patient, hospital, then the metrics.

    ``segmentations`` holds a manifest per split, ``references`` the reference standard by patient, and ``cases`` who
    the patients are: ``patient``, ``hospital`` and ``fold`` (None: held out).
    """
    masks = {split: by_patient([manifest]) for split, manifest in segmentations.items()}
    rows = []
    for case in cases:
        split = "test" if case["fold"] is None else "validation"
        patient = case["patient"]
        prediction, reference = load_pair(patient, masks[split][patient], references[patient])
        metrics = measure_case(reference.data, prediction.data > 0.5, reference.grid)
        rows.append(
            {"split": split, "fold": case["fold"], "patient": patient, "hospital": case["hospital"], **asdict(metrics)}
        )
    return pd.DataFrame(rows).astype({"fold": "Int64"})
