"""Measure the published segmentations of every patient (stage ``measure``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from residua.images.pairs import load_pair
from residua.metrics.compared_masks import STANDARD, ComparedMasks, compare
from residua.metrics.lesions import LesionRule
from residua.metrics.metric_tables import MetricTables, metric_tables
from residua.publishing.images import by_patient


def known_columns(cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the first columns of the tables of patients; the person's where some persons have several scans.

    >>> known_columns([{"patient": "AMS1", "hospital": "AMS", "fold": None}])
    ['split', 'fold', 'patient', 'hospital']
    """
    return ["split", "fold", "patient", "hospital", *(["person"] if any("person" in case for case in cases) else [])]


def split_of(case: Mapping[str, Any]) -> str:
    """Return the split of a case: "test" without a fold, else "validation".

    >>> split_of({"fold": None}), split_of({"fold": 0})
    ('test', 'validation')
    """
    return "test" if case["fold"] is None else "validation"


def measure_all(
    segmentations: Mapping[str, str],
    references: Mapping[str, str],
    cases: Sequence[Mapping[str, Any]],
    leave_failed_out: bool = False,
    rule: LesionRule = STANDARD,
) -> MetricTables:
    """Return split, fold (missing for the test set), patient, hospital, then the metrics: of cases, and of lesions.

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
    >>> found = measure_all({"test": "test/manifest.json"}, {"AMS1": "reference.nii.gz"}, cases)
    >>> found.cases[["split", "patient", "dice", "predicted_ml"]].values.tolist()
    [['test', 'AMS1', 1.0, 0.008]]
    """
    masks = {split: by_patient([manifest]) for split, manifest in segmentations.items()}

    def compared() -> Iterator[tuple[dict[str, Any], ComparedMasks]]:
        for case in cases:
            split, patient = split_of(case), case["patient"]
            if leave_failed_out and patient not in masks[split]:
                continue
            prediction, reference = load_pair(patient, masks[split][patient], references[patient])
            yield {"split": split, **case}, compare(reference.data, prediction.data > 0.5, reference.grid, rule)

    tables = metric_tables(compared(), known_columns(cases))
    return MetricTables(*(table.astype({"fold": "Int64"}) for table in tables))
