"""The grid on which AGU-Net sees a patient: the brain's box in as many voxels as its cube has."""

from __future__ import annotations

from typing import Any

from residua.images.volumes import Grid
from residua.preparation.brain_crop import Crop


def target_grid(crop: Crop, settings: dict[str, Any]) -> Grid:
    """The contract of ``residua.preparation.target_grid.TargetGrid``; the setting used is the shape.

    The spacing has no part in it: both of AGU-Net's resizings keep the box's extent.
    """
    x, y, z = settings["shape"]
    return crop.divided((x, y, z))
