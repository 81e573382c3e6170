"""Bring a channel from the voxels of its scanner to the grid of a network's input by one interpolation.

The transform of the registration and the change of spacing are applied together, and the brain mask after them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.scans import load_scan
from residua.images.volumes import Grid, Image
from residua.preparation.brain_crop import Crop, brain_crop, mask_on
from residua.preparation.cases import RegionLabel
from residua.preparation.region import sampled_grid
from residua.registration.transforms import LABEL_INTERPOLATION, TransformFiles, resample


@dataclass(frozen=True)
class NativeChannel:
    """One patient's image or label as acquired or drawn, its transform, and the brain mask on the reference grid.

    ``transform`` is None for a channel in the reference's own space. ``region`` is that of ``ChannelCase``.
    """

    patient: str
    channel: Path
    brain: Path
    transform: TransformFiles | None
    region: RegionLabel | None = None


@dataclass(frozen=True)
class Sampling:
    """Settings of the sampling of one channel.

    Images take ``interpolation``, labels a label interpolator. ``in_brain`` sets voxels outside the brain to zero.
    """

    is_label: bool
    in_brain: bool
    interpolation: str


def sample(case: NativeChannel, target_grid: Callable[[Crop], Grid], how: Sampling, out: Path) -> None:
    """Write the channel on the network's target grid (NIfTI, float32), continued over the brain around a region.

    Raises ``ResiduaError`` when the channel cannot be read, has NaN or infinite voxels in the brain, or lies on
    another grid than the reference and has no transform.
    """
    mask = volumes.load_mask(case.brain)
    brain_box = brain_crop(mask, f"patient {case.patient}: the brain mask {case.brain}")
    grid = sampled_grid(brain_box, case.region, target_grid)
    native = volumes.load_mask(case.channel) if how.is_label else load_scan(case.channel)
    if case.transform is None:
        volumes.require_same_grid(native, mask, str(case.channel))
    if how.is_label:
        found = resample(grid, native, case.transform, LABEL_INTERPOLATION)
    else:
        found = resample(grid, smoothed_for(grid, native), case.transform, how.interpolation)
    brain = mask_on(grid, mask)
    if not np.isfinite(found.data[brain]).all():
        raise ResiduaError(
            f"patient {case.patient}: {case.channel} has NaN or infinite voxels in the brain; convert it again"
        )
    volumes.save(Image(np.where(brain, found.data, np.float32(0)), grid) if how.in_brain else found, out)


def smoothed_for(grid: Grid, native: Image) -> Image:
    """Smooth away the detail of ``native`` that voxels of ``grid`` are too large to show; its own grid stays.

    The filter is a Gaussian along each axis with a sd of (f - 1) / 2 voxels, where one voxel of ``grid`` spans f of
    them, and none where f is at most 1. This is the anti-aliasing of skimage's resize, which AGU-Net's own preparation
    uses. Each value stays in place, so that this is a filter and not an interpolation.
    """
    directions = native.grid.affine[:3, :3] / native.grid.spacing_mm
    # Along a direction oblique to the grid, the inverse affine gives the extent of a voxel.
    spans_mm = 1 / np.linalg.norm(np.linalg.inv(grid.affine[:3, :3]) @ directions, axis=0)
    # Rounded headers make equal spacings differ in the seventh digit, which is no reason to smooth.
    factors = np.round(spans_mm / native.grid.spacing_mm, 5)
    sigma = np.maximum(0, (factors - 1) / 2)
    return Image(ndimage.gaussian_filter(native.data, sigma, mode="nearest"), native.grid) if sigma.any() else native
