"""A predicted and a manual mask or map of one patient, on one grid."""

from __future__ import annotations

from pathlib import Path

from residua.images.volumes import Image, load, load_mask, require_same_grid


def load_pair(patient: str, prediction: Path, reference: str) -> tuple[Image, Image]:
    """Return the predicted image and the reference standard; raise ``ResiduaError`` when their grids differ."""
    predicted, manual = load(prediction), load_mask(reference)
    require_same_grid(predicted, manual, f"patient {patient}: {prediction.name}")
    return predicted, manual
