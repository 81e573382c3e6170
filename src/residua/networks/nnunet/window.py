"""Tell before a patch is read how much of it nnU-Net's augmentation will use.

The patch that nnU-Net reads has room for every rotation and scaling, and is five times the patch that it trains on.
About two thirds of the patches are not moved, and most others only a little. What moves a patch depends on the next
random numbers alone, so these are drawn, looked at and put back: the training sees what it would have seen,
but for the last digits of sums over voxels that lie in memory in another order.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from numpy.typing import NDArray

Bounds = list[int]
_REACH = 2
"""Voxels beyond a point from which its value is interpolated, and one more for the last digit of its place."""


def spatial_step(transforms: ComposeTransforms | None, before: tuple[type, ...]) -> SpatialTransform | None:
    """Return the step that moves a patch, unless random numbers may be drawn before it: only ``before`` precede it."""
    for step in transforms.transforms if transforms else ():
        if isinstance(step, SpatialTransform):
            simple = not step.random_crop and step.p_elastic_deform == 0 and len(step.patch_size) == 3
            return step if simple else None
        if not isinstance(step, before):
            return None
    return None


def next_move(step: SpatialTransform) -> NDArray[np.float64] | None:
    """Return the matrix by which ``step`` will move the next patch, or None where it will only be cropped."""
    looked = copy.copy(step)
    # The numbers that are drawn do not depend on the size of the grid that is made of them.
    looked.patch_size, looked._grid_cache = (1, 1, 1), {}
    state = np.random.get_state()
    matrix: NDArray[np.float64] | None = looked.get_parameters(image=torch.empty((1, 1, 1, 1)))["affine"]
    np.random.set_state(state)
    return matrix


def centre(size: Sequence[int], patch: Sequence[int]) -> tuple[Bounds, Bounds]:
    """Return where the middle of a patch of ``size`` begins and ends, as nnU-Net crops it."""
    begin = [whole // 2 - own // 2 for whole, own in zip(size, patch, strict=True)]
    return begin, [first + own for first, own in zip(begin, patch, strict=True)]


def used(size: Sequence[int], patch: Sequence[int], matrix: NDArray[np.float64]) -> tuple[Bounds, Bounds]:
    """Return where the part of a patch of ``size`` begins and ends of which a moved ``patch`` is interpolated."""
    reach = np.abs(matrix) @ ((np.array(patch) - 1) / 2)
    middle = (np.array(size) - 1) / 2
    begin = np.maximum(np.floor(middle - reach) - _REACH, 0)
    end = np.minimum(np.ceil(middle + reach) + _REACH + 1, size)
    return [int(first) for first in begin], [int(last) for last in end]
