"""Whole stages after the networks: folders of files in, folders or tables out, one patient in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from os import path
from pathlib import Path
from typing import Any

import pandas as pd

from residua import images
from residua.images import Image
from residua.metrics.voxelwise import measure_case
from residua.publish import verified
from residua.segmentation import OutOfFoldCase, choose_threshold, segment
from residua.study import Classification, Postprocessing

SUFFIX = ".nii.gz"


def by_patient(manifests: Sequence[str]) -> dict[str, Path]:
    """The verified images of several published folders, by patient."""
    files = [verified(manifest).items() for manifest in manifests]
    return {name.removesuffix(SUFFIX): file for folder in files for name, file in folder if name.endswith(SUFFIX)}


def threshold_record(
    predictions: Sequence[str],
    references: Mapping[str, str],
    patients: Mapping[int, Sequence[str]],
    postprocessing: dict[str, Any],
    classification: dict[str, Any],
) -> dict[str, Any]:
    """The choice of ``residua.segmentation.choose_threshold`` as builtins, over all out-of-fold probability maps.

    ``predictions`` are the folds' manifests, ``references`` the reference standards by patient and ``patients`` the
    validation patients by fold.
    """
    maps = by_patient(predictions)

    def cases() -> Iterator[OutOfFoldCase]:
        for fold, members in patients.items():
            for patient in members:
                probability, reference = _pair(patient, maps[patient], references[patient])
                yield OutOfFoldCase(int(fold), probability.data, reference.data, reference.grid.voxel_ml)

    return choose_threshold(cases(), Postprocessing(**postprocessing), Classification(**classification)).to_json()


def segment_all(predictions: Sequence[str], threshold: float, postprocessing: dict[str, Any], out: Path) -> None:
    """Write ``{patient}.nii.gz``, the mask of every probability map, into ``out``."""
    settings = Postprocessing(**postprocessing)
    for patient, file in by_patient(predictions).items():
        probability = images.load(file)
        images.save(Image(segment(probability.data, threshold, settings), probability.grid), out / f"{patient}{SUFFIX}")


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
        prediction, reference = _pair(patient, masks[split][patient], references[patient])
        metrics = measure_case(reference.data, prediction.data > 0.5, reference.grid)
        rows.append(
            {"split": split, "fold": case["fold"], "patient": patient, "hospital": case["hospital"], **asdict(metrics)}
        )
    return pd.DataFrame(rows).astype({"fold": "Int64"})


def _pair(patient: str, prediction: Path, reference: str) -> tuple[Image, Image]:
    predicted, manual = images.load(prediction), images.load_mask(reference)
    images.require_same_grid(predicted, manual, f"patient {patient}: {path.basename(prediction)}")
    return predicted, manual
