"""The stage ``choose_threshold``: published probability maps in, the choice as a record out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from residua.images.pairs import load_pair
from residua.publishing.images import by_patient
from residua.segmentation.threshold import OutOfFoldCase, choose_threshold
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing


def threshold_record(
    predictions: Sequence[str],
    references: Mapping[str, str],
    patients: Mapping[int, Sequence[str]],
    postprocessing: Postprocessing,
    classification: Classification,
) -> dict[str, Any]:
    """Return the choice of ``choose_threshold`` over all out-of-fold probability maps, as builtins.

    ``predictions`` are the folds' manifests, ``references`` the reference standards by patient and ``patients`` the
    validation patients by fold.
    """
    maps = by_patient(predictions)

    def cases() -> Iterator[OutOfFoldCase]:
        for fold, members in patients.items():
            for patient in members:
                probability, reference = load_pair(patient, maps[patient], references[patient])
                yield OutOfFoldCase(int(fold), probability.data, reference.data, reference.grid.voxel_ml)

    return choose_threshold(cases(), postprocessing, classification).to_json()
