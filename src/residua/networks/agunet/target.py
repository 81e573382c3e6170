"""Compute the grid on which AGU-Net sees a patient: the brain's box in as many voxels as its cube has."""

from __future__ import annotations

from residua.images.volumes import Grid
from residua.networks.agunet.settings import AGUNetPreparation
from residua.preparation.brain_crop import Crop


def target_grid(crop: Crop, settings: AGUNetPreparation) -> Grid:
    """Fulfil ``residua.networks.contract.TargetGrid``; the setting used is the shape.

    The spacing plays no part, because both resizings of AGU-Net keep the extent of the box.
    """
    return crop.divided(settings.shape)
