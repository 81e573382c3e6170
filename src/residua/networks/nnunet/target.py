"""Compute the grid on which nnU-Net sees a patient: the brain's box in voxels of the network's spacing."""

from __future__ import annotations

from residua.images.volumes import Grid
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.networks.spacing import grid_with_spacing
from residua.preparation.brain_crop import Crop


def target_grid(crop: Crop, settings: NnUNetPreparation) -> Grid:
    """Fulfil ``residua.networks.contract.TargetGrid``; the setting used is the spacing."""
    return grid_with_spacing(crop, settings.spacing_mm)
