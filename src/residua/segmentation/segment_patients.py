"""The stage ``segment``: published probability maps in, a mask per patient out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from residua.images import volumes
from residua.images.volumes import Image
from residua.publishing.images import SUFFIX, by_patient
from residua.segmentation.masks import segment
from residua.settings.postprocessing import Postprocessing


def segment_all(predictions: Sequence[str], threshold: float, settings: Postprocessing, out: Path) -> None:
    """Write ``{patient}.nii.gz``, the mask of every probability map, into ``out``."""
    for patient, file in by_patient(predictions).items():
        probability = volumes.load(file)
        mask = segment(probability.data, threshold, settings)
        volumes.save(Image(mask, probability.grid), out / f"{patient}{SUFFIX}")
