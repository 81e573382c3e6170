"""Load a prediction and the reference standard of one patient, on one grid."""

from __future__ import annotations

from pathlib import Path

from residua.images.volumes import Image, load, load_mask, require_same_grid


def load_pair(patient: str, prediction: Path, reference: str) -> tuple[Image, Image]:
    """Load the predicted image and the reference standard; raise ``ResiduaError`` when their grids differ.

    >>> import numpy as np
    >>> from residua.images.volumes import Grid, save
    >>> for name in ("prediction", "reference"):
    ...     save(Image(np.ones((2, 2, 2), np.float32), Grid((2, 2, 2), np.eye(4))), f"{name}.nii.gz")
    >>> predicted, manual = load_pair("AMS1", Path("prediction.nii.gz"), "reference.nii.gz")
    >>> predicted.data.dtype.name, manual.data.dtype.name
    ('float32', 'bool')
    """
    predicted, manual = load(prediction), load_mask(reference)
    require_same_grid(predicted, manual, f"patient {patient}: {prediction.name}")
    return predicted, manual
