"""Take predictions that were made elsewhere into the study, as probability maps of its own form (stage ``take``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from residua.external.checks import Given, prediction_problems
from residua.images import volumes
from residua.images.volumes import Image
from residua.problems.lists import raise_problems
from residua.publishing.images import SUFFIX


def take_predictions(files: Mapping[str, str], references: Mapping[str, str], kind: str, out: Path) -> None:
    """Write ``{patient}.nii.gz``, the probability of tumour on the grid of the reference, into ``out``.

    ``files`` are the predictions and ``references`` the reference images by patient; ``kind`` is "masks" (of zeros and
    ones, but for rounding) or "probabilities". Raises one ``ResiduaError`` for all files that cannot be used.

    >>> from residua.images.volumes import Grid, Image
    >>> grid = Grid((90, 90, 90), np.eye(4))
    >>> volumes.save(Image(np.zeros(grid.shape, np.float32), grid), "scan.nii.gz")
    >>> marked = np.zeros(grid.shape, np.float32)
    >>> marked[40, 40, 40] = 0.9999
    >>> volumes.save(Image(marked, grid), "mask.nii.gz")
    >>> take_predictions({"AMS1": "mask.nii.gz"}, {"AMS1": "scan.nii.gz"}, "masks", Path())
    >>> float(volumes.load("AMS1.nii.gz").data.sum())
    1.0
    """
    given = [Given(patient, file, references[patient]) for patient, file in files.items()]
    raise_problems(prediction_problems(given, kind), "These predictions made elsewhere cannot be used")
    for patient, file in files.items():
        prediction = volumes.load_mask(file) if kind == "masks" else volumes.load(file)
        taken = Image(np.clip(prediction.data.astype(np.float32), 0, 1), prediction.grid)
        volumes.save(taken, out / f"{patient}{SUFFIX}")
