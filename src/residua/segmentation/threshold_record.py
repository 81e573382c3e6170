"""Choose the threshold from published probability maps (stage ``choose_threshold``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from residua.errors import ResiduaError
from residua.images.pairs import load_pair
from residua.publishing.images import by_patient
from residua.segmentation.out_of_fold import OutOfFoldCase
from residua.segmentation.threshold import choose_threshold
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing


def threshold_record(
    predictions: Sequence[str],
    references: Mapping[str, str],
    patients: Mapping[int, Sequence[str]],
    postprocessing: Postprocessing,
    classification: Classification,
    leave_failed_out: bool = False,
) -> dict[str, Any]:
    """Return the choice of ``choose_threshold`` over all out-of-fold probability maps, as builtins.

    ``predictions`` are the folds' manifests, ``references`` the reference standards by patient and ``patients`` the
    validation patients by fold. A patient without a map is an error, unless those whose preparation failed are
    left out.

    >>> import numpy as np
    >>> from residua.images.volumes import Grid, Image, save
    >>> from residua.publishing.publish import stage
    >>> volume = Image(np.array([0.9, 0.2], np.float32).reshape(2, 1, 1), Grid((2, 1, 1), np.eye(4)))
    >>> save(volume, "reference.nii.gz")
    >>> with stage("maps/manifest.json") as part:
    ...     save(volume, part / "AMS1.nii.gz")
    >>> postprocessing = Postprocessing(thresholds=(0.1, 0.5), min_component_voxels=0, connectivity=26)
    >>> classification = Classification(residual_tumor_ml=0.001, min_overlap_dice=0)
    >>> references = {"AMS1": "reference.nii.gz"}
    >>> threshold_record(["maps/manifest.json"], references, {0: ["AMS1"]}, postprocessing, classification)["threshold"]
    0.5
    """
    maps = by_patient(predictions)
    if leave_failed_out:
        _require_any([*chain(*patients.values())], maps)

    def cases() -> Iterator[OutOfFoldCase]:
        for fold, members in patients.items():
            for patient in members:
                if leave_failed_out and patient not in maps:
                    continue
                probability, reference = load_pair(patient, maps[patient], references[patient])
                yield OutOfFoldCase(int(fold), probability.data, reference.data, reference.grid.voxel_ml)

    return choose_threshold(cases(), postprocessing, classification).to_json()


def _require_any(drawn: Collection[str], predicted: Collection[str]) -> None:
    if not set(drawn) & set(predicted):
        raise ResiduaError(
            "a threshold cannot be chosen: none of the patients who were drawn for it could be predicted "
            f"({', '.join(drawn)}); see results/patients.json, and draw others by validation.recalibrate.seed, or none "
            "by recalibrate: null"
        )
