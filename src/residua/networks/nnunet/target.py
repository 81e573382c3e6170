"""Compute the grid on which nnU-Net sees a patient: the brain's box in voxels of the network's spacing."""

from __future__ import annotations

from residua.images.volumes import Grid
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.preparation.brain_crop import Crop


def target_grid(crop: Crop, settings: NnUNetPreparation) -> Grid:
    """Fulfil ``residua.networks.contract.TargetGrid``; the setting used is the spacing.

    The number of voxels is that of nnU-Net's ``compute_new_shape``, including its rounding.
    """
    x, y, z = (
        max(round(own / wanted * n), 1)
        for n, own, wanted in zip(crop.shape, crop.grid.spacing_mm, settings.spacing_mm, strict=True)
    )
    return crop.divided((x, y, z))
