"""The grid of what the logistic network sees: the brain's box of the reference grid."""

from __future__ import annotations

from typing import Any

from residua.images.volumes import Grid
from residua.preparation.brain_crop import Crop


def target_grid(crop: Crop, settings: dict[str, Any]) -> Grid:
    """The contract of ``residua.preparation.target_grid.TargetGrid``."""
    return crop.divided(crop.shape)
