"""Choose the threshold from published probability maps (stage ``choose_threshold``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from residua.errors import ResiduaError
from residua.images.pairs import load_pair
from residua.publishing.images import by_patient
from residua.segmentation.out_of_fold import Measured, OutOfFoldCase, measure
from residua.segmentation.threshold import choose_of
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing


def threshold_record(
    predictions: Sequence[str],
    references: Mapping[str, str],
    patients: Mapping[int, Sequence[str]],
    postprocessing: Postprocessing,
    classification: Classification,
    leave_failed_out: bool = False,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the choice of ``choose_threshold`` over all out-of-fold probability maps, and every patient's numbers.

    The choice is of builtins. The frame has a row per patient and candidate: patient, fold, threshold, reference_ml,
    predicted_ml and dice.

    ``predictions`` are the folds' manifests, ``references`` the reference standards by patient and ``patients`` the
    validation patients by fold. A patient without a map is an error, unless those whose preparation failed are
    left out.

    >>> from residua.images.volumes import Grid, Image, save
    >>> from residua.publishing.publish import stage
    >>> volume = Image(np.array([0.9, 0.2], np.float32).reshape(2, 1, 1), Grid((2, 1, 1), np.eye(4)))
    >>> save(volume, "reference.nii.gz")
    >>> with stage("maps/manifest.json") as part:
    ...     save(volume, part / "AMS1.nii.gz")
    >>> postprocessing = Postprocessing(thresholds=(0.1, 0.5), min_component_voxels=0, connectivity=26)
    >>> classification = Classification(residual_tumor_ml=0.001, min_overlap_dice=0)
    >>> references = {"AMS1": "reference.nii.gz"}
    >>> record, at = threshold_record(["maps/manifest.json"], references, {0: ["AMS1"]}, postprocessing, classification)
    >>> record["threshold"], at[["patient", "threshold", "predicted_ml"]].values.tolist()
    (0.5, [['AMS1', 0.1, 0.002], ['AMS1', 0.5, 0.001]])
    """
    maps = by_patient(predictions)
    judged = _judged(patients, maps, leave_failed_out)
    measured = measure(_cases(judged, maps, references), postprocessing)
    record = choose_of(measured, postprocessing, classification).to_json()
    return record, _by_candidate([patient for _, patient in judged], measured, postprocessing.thresholds)


def _judged(
    patients: Mapping[int, Sequence[str]], maps: Mapping[str, Path], leave_failed_out: bool
) -> list[tuple[int, str]]:
    """Return fold and name of each patient to measure."""
    if leave_failed_out:
        _require_any([*chain(*patients.values())], maps)
    every = [(int(fold), patient) for fold, members in patients.items() for patient in members]
    return [(fold, patient) for fold, patient in every if patient in maps or not leave_failed_out]


def _cases(
    judged: Sequence[tuple[int, str]], maps: Mapping[str, Path], references: Mapping[str, str]
) -> Iterator[OutOfFoldCase]:
    for fold, patient in judged:
        probability, reference = load_pair(patient, maps[patient], references[patient])
        yield OutOfFoldCase(fold, probability.data, reference.data, reference.grid.voxel_ml)


def _by_candidate(patients: Sequence[str], measured: Measured, thresholds: Sequence[float]) -> pd.DataFrame:
    number = len(thresholds)
    return pd.DataFrame(
        {
            "patient": np.repeat(patients, number),
            "fold": np.repeat(measured.fold, number),
            "threshold": np.tile(thresholds, len(patients)),
            "reference_ml": np.repeat(measured.reference_ml, number),
            "predicted_ml": measured.predicted_ml.ravel(),
            "dice": measured.dice.ravel(),
        }
    )


def _require_any(drawn: Collection[str], predicted: Collection[str]) -> None:
    if not set(drawn) & set(predicted):
        raise ResiduaError(
            "a threshold cannot be chosen: none of the patients who were drawn for it could be predicted "
            f"({', '.join(drawn)}); see results/patients.json, and draw others by validation.recalibrate.seed, or none "
            "by recalibrate: null"
        )
