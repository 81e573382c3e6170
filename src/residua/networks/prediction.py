"""Predict out of fold and with the ensemble, and store probability maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.contract import Predictor

LEVELS = 2**14
"""Probabilities are stored as whole 1/16384: half a step is 3e-5, and 0.5 is stored exactly."""


def save_probability(probability: Image, path: Path) -> None:
    """Write foreground probabilities (0 to 1) as scaled 16-bit NIfTI; stored values differ by at most 3.1e-5.

    Raises ``ResiduaError`` for NaN, which integers cannot hold and which would be stored as "no tumour".
    """
    if np.isnan(probability.data.min()):
        raise ResiduaError(f"{path.name}: the probability map holds NaN; the training may have diverged; train again")
    levels = np.rint(np.clip(probability.data, 0.0, 1.0) * LEVELS).astype(np.uint16)
    volumes.save(Image(levels, probability.grid), path, slope=1.0 / LEVELS)


def predict_cases(
    predictor: Predictor, cases: Sequence[PreparedCase], out: Path, progress: Callable[[int, int], None]
) -> None:
    """Write ``{patient}.nii.gz``, the foreground probability on the reference grid, for every case into ``out``.

    ``predictor`` holds one model (out of fold) or several (the ensemble of the hold-out), whose probabilities it
    averages after the softmax. Cases that an interrupted run finished are kept.
    """
    for done, case in enumerate(cases):
        progress(done, len(cases))
        path = out / f"{case.patient}.nii.gz"
        if not path.exists():
            save_probability(predictor(case), path)
    progress(len(cases), len(cases))
