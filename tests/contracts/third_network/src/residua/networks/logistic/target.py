"""The grid of what the logistic network sees: the brain's box of the reference grid."""

from __future__ import annotations

from residua.networks.logistic.settings import LogisticPreparation

from residua.images.volumes import Grid
from residua.preparation.brain_crop import Crop


def target_grid(crop: Crop, settings: LogisticPreparation) -> Grid:
    """Fulfil ``residua.networks.contract.TargetGrid``."""
    return crop.divided(crop.shape)
