"""Labels of a moving sequence on the grid of the reference sequence."""

from __future__ import annotations

from pathlib import Path

from residua.images import volumes
from residua.images.volumes import Image
from residua.registration.transforms import LABEL_INTERPOLATION, TransformFiles, resample


def warp_label(reference: Path, label: Path, transform: TransformFiles, out: Path) -> None:
    """Write a label, drawn on the moving sequence, on the grid of ``reference`` through a known transform."""
    warped = resample(volumes.load_grid(reference), volumes.load_mask(label), transform, LABEL_INTERPOLATION)
    volumes.save(Image(warped.data > 0.5, warped.grid), out)
