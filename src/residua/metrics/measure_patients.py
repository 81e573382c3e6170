"""Measure the published segmentations of every patient (stage ``measure``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from residua.images.pairs import load_pair
from residua.metrics.voxelwise import CaseMetrics, measure_case
from residua.publishing.images import by_patient


def measure_all(
    segmentations: Mapping[str, str],
    references: Mapping[str, str],
    cases: Sequence[Mapping[str, Any]],
    leave_failed_out: bool = False,
) -> pd.DataFrame:
    """Return one row per case: split, fold (missing for the test set), patient, hospital, then the metrics.

    ``segmentations`` holds a manifest per split and ``references`` the reference standard by patient. Each of ``cases``
    has ``patient``, ``hospital`` and ``fold`` (None for the hold-out), and ``person`` where some persons have several
    scans. A case without a segmentation is an error, unless those whose preparation failed are left out.

    >>> import numpy as np
    >>> from residua.images.volumes import Grid, Image, save
    >>> from residua.publishing.publish import stage
    >>> mask = Image(np.ones((2, 2, 2), dtype=bool), Grid((2, 2, 2), np.eye(4)))
    >>> save(mask, "reference.nii.gz")
    >>> with stage("test/manifest.json") as part:
    ...     save(mask, part / "AMS1.nii.gz")
    >>> cases = [{"patient": "AMS1", "hospital": "AMS", "fold": None}]
    >>> rows = measure_all({"test": "test/manifest.json"}, {"AMS1": "reference.nii.gz"}, cases)
    >>> rows[["split", "patient", "dice", "predicted_ml"]].values.tolist()
    [['test', 'AMS1', 1.0, 0.008]]
    """
    masks = {split: by_patient([manifest]) for split, manifest in segmentations.items()}
    rows = []
    for case in cases:
        split = "test" if case["fold"] is None else "validation"
        patient = case["patient"]
        if leave_failed_out and patient not in masks[split]:
            continue
        prediction, reference = load_pair(patient, masks[split][patient], references[patient])
        metrics = measure_case(reference.data, prediction.data > 0.5, reference.grid)
        rows.append({"split": split, **case, **asdict(metrics)})
    person = ["person"] if any("person" in case for case in cases) else []
    columns = ["split", "fold", "patient", "hospital", *person, *(field.name for field in fields(CaseMetrics))]
    return pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"})
