"""Strip a scan that lies on another grid than the reference, from its own voxels and the transform that was found.

The registered image beside the transform is for eyes, in few grey values (``images.compact``); what networks see is
interpolated anew, in full.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from residua.images.scans import lifted, load_scan
from residua.images.volumes import load_grid
from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip_image
from residua.registration.transforms import TransformFiles, resample


@dataclass(frozen=True)
class WayToReference:
    """The way of a scan to the reference sequence, on whose grid it is interpolated."""

    reference: Path
    transform: TransformFiles
    interpolation: str


def strip_moved(case: ChannelCase, movement: WayToReference, out: Path) -> None:
    """Write a scan, which ``case`` names on its own grid, on the reference grid with zeros outside the brain mask."""
    grid, moving = load_grid(movement.reference), load_scan(case.channel)
    # Interpolation with splines leaves values below 0.
    moved = lifted(resample(grid, moving, movement.transform, movement.interpolation))
    strip_image(moved, case, out)
