"""Confine what a network sees to a region: the box around a label and its surroundings, within the brain's box.

Intensities are normalised over the brain before, so that a region changes no grey value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from residua.images import volumes
from residua.images.regions import region_box
from residua.images.volumes import Box, Grid
from residua.preparation.brain_crop import Crop
from residua.preparation.cases import ChannelCase, RegionLabel

_ROUNDING = 1e-4
"""In voxels: by so much headers may move the face of a box."""


@dataclass(frozen=True)
class Focus:
    """What a network sees of a patient: the crop, and its place in the arrays of ``crop_to_brain``."""

    crop: Crop
    block: Box


def focus(case: ChannelCase, brain: Crop, target_grid: Callable[[Crop], Grid]) -> Focus:
    """Return where a network looks: the region of the case, or the whole ``brain`` if it has none.

    A channel that was sampled lies on the grid that ``sampled_grid`` returned.
    """
    crop = region_crop(brain, case.region)
    if not case.sampled:
        return Focus(crop, _within(crop.box, brain.box))
    return Focus(crop, _surrounding(target_grid(crop), brain)[1])


def region_crop(brain: Crop, region: RegionLabel | None) -> Crop:
    """Return the box of the brain that holds a label and ``margin_mm`` around it.

    Return ``brain`` without a region, and where the label is empty or lies wholly outside of the brain's box. Raises
    ``ResiduaError`` when the label lies on another grid than the brain.
    """
    if region is None:
        return brain
    label = volumes.load_mask(region.label)
    volumes.require_same_grid(label, volumes.Image(np.empty(0), brain.grid), str(region.label))
    return Crop(brain.grid, region_box(brain.grid, label.data, region.margin_mm, brain.box))


def sampled_grid(brain: Crop, region: RegionLabel | None, target_grid: Callable[[Crop], Grid]) -> Grid:
    """Return the grid on which a channel is sampled by one interpolation: a network's voxels over the whole brain.

    Without a region it is the target grid. With one, it continues that of the region to the brain's box, because
    intensities are normalised over the brain.
    """
    return _surrounding(target_grid(region_crop(brain, region)), brain)[0]


def _within(inner: Box, outer: Box) -> Box:
    x, y, z = (slice(own.start - at.start, own.stop - at.start) for own, at in zip(inner, outer, strict=True))
    return x, y, z


def _surrounding(grid: Grid, brain: Crop) -> tuple[Grid, Box]:
    """Continue ``grid`` by whole voxels until it holds the brain's box; also return its place in the larger grid."""
    to_grid = np.linalg.inv(grid.affine) @ brain.grid.affine
    faces = [np.array([getattr(side, end) - 0.5 for side in brain.box]) for end in ("start", "stop")]
    low, high = (to_grid[:3, :3] @ face + to_grid[:3, 3] for face in faces)
    before = np.maximum(np.ceil(-0.5 - low - _ROUNDING), 0).astype(int)
    after = np.maximum(np.ceil(high - np.array(grid.shape) + 0.5 - _ROUNDING), 0).astype(int)
    x, y, z = (slice(int(b), int(b) + n) for b, n in zip(before, grid.shape, strict=True))
    if not before.any() and not after.any():
        return grid, (x, y, z)
    affine = grid.affine.copy()
    affine[:3, 3] -= grid.affine[:3, :3] @ before
    i, j, k = (int(n) for n in before + np.array(grid.shape) + after)
    return Grid((i, j, k), affine), (x, y, z)
