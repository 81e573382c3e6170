"""Segment published probability maps (stage ``segment``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residua.images import volumes
from residua.images.volumes import Image
from residua.publishing.images import SUFFIX, by_patient
from residua.segmentation.masks import segment
from residua.settings.postprocessing import Postprocessing


def segment_all(predictions: Sequence[str], threshold: float, settings: Postprocessing, out: Path) -> None:
    """Write ``{patient}.nii.gz``, the mask of every probability map, into ``out``.

    >>> import numpy as np
    >>> from residua.images.volumes import Grid
    >>> from residua.publishing.publish import stage
    >>> probability = np.array([0.9, 0.2], np.float32).reshape(2, 1, 1)
    >>> with stage("maps/manifest.json") as part:
    ...     volumes.save(Image(probability, Grid((2, 1, 1), np.eye(4))), part / "AMS1.nii.gz")
    >>> settings = Postprocessing(thresholds=(0.5,), min_component_voxels=0, connectivity=26)
    >>> segment_all(["maps/manifest.json"], 0.5, settings, Path())
    >>> volumes.load_mask("AMS1.nii.gz").data.ravel().tolist()
    [True, False]
    """
    for patient, file in by_patient(predictions).items():
        probability = volumes.load(file)
        mask = segment(probability.data, threshold, settings)
        volumes.save(Image(mask, probability.grid), out / f"{patient}{SUFFIX}")
