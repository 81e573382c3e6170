"""Compare the shape of a brain mask with that of the MNI152 template's brain.

Only the mask counts, not the scan that it was made from: noise, contrast and stripping leave the comparison as it is.
"""

from __future__ import annotations

import tempfile
from functools import cache
from typing import Any

import ants
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.brain.template_head import SEED, template
from residua.errors import ResiduaError
from residua.images.averaging import averaged
from residua.images.components import Mask
from residua.images.volumes import LPS, Grid, Image
from residua.metrics.overlap import dice_of
from residua.registration.transforms import resample, to_ants

_SPACING_MM, _ROOM_MM = 4.0, 24.0
"""Of the grid on which shapes are compared, and how far it reaches beyond the mask."""
_FARTHEST_MM = 16.0
"""Distances from a surface are cut here, so that a fault of one part does not bend the alignment of all others."""
_FARTHEST_PERCENT = 98.0
_AFFINE = {"aff_iterations": (100, 50), "aff_shrink_factors": (2, 1), "aff_smoothing_sigmas": (1, 0)}
_SAMPLING_RATE = 0.25
"""Of the voxels, evenly spread. Distances vary slowly: all of them take four times as long, and Dice moves by 0.001."""
_Distances = NDArray[np.floating[Any]]


def template_shape(mask: Image) -> dict[str, float]:
    """Align the template's brain with a mask (x, y, z booleans, not empty) by an affine and measure the difference.

    ``template_dice`` is their Dice (0-1). ``template_distance_mm`` is the 98th percentile of the distances of each
    surface from the other, 16 mm at most: a lobe that is missing, or a face that was kept, is far off wherever it
    lies. Raises ``ResiduaError`` when ANTs finds no transform.
    """
    ants.config.set_ants_deterministic(on=True, seed_value=SEED)
    own = _signed(_on_common_spacing(mask))
    fixed, moving = to_ants(own), to_ants(_template())
    with tempfile.TemporaryDirectory(prefix="template-") as scratch:
        try:
            found = ants.registration(
                fixed,
                moving,
                type_of_transform="Affine",
                aff_metric="meansquares",
                aff_random_sampling_rate=_SAMPLING_RATE,
                outprefix=f"{scratch}/affine",
                **_AFFINE,
            )
        except RuntimeError as error:
            raise ResiduaError(f"ANTs could not align the template's brain with the mask: {error}") from error
        its = ants.apply_transforms(fixed, moving, found["fwdtransforms"], defaultvalue=0.0).numpy()
    return _difference(own.data - _FARTHEST_MM, its - _FARTHEST_MM)


def _difference(own: _Distances, its: _Distances) -> dict[str, float]:
    inside, there = own > 0, its > 0
    apart = np.concatenate([np.abs(its[_surface(own)]), np.abs(own[_surface(its)])])
    return {
        "template_dice": dice_of(int((inside & there).sum()), int(there.sum()), int(inside.sum())),
        "template_distance_mm": float(np.percentile(apart, _FARTHEST_PERCENT)) if apart.size else _FARTHEST_MM,
    }


def _surface(distances: _Distances) -> Mask:
    return np.abs(distances) < 0.75 * _SPACING_MM


def _on_common_spacing(mask: Image) -> Image:
    """Return a mask on a grid of one spacing along the axes of space, with room around it."""
    places = nib.affines.apply_affine(mask.grid.affine, np.argwhere(mask.data > 0.5))
    low, high = places.min(axis=0) - _ROOM_MM, places.max(axis=0) + _ROOM_MM
    x, y, z = (int(n) for n in np.ceil((high - low) / _SPACING_MM) + 1)
    affine = np.diag([*(_SPACING_MM,) * 3, 1.0])
    affine[:3, 3] = low
    share = averaged(Image(np.asarray(mask.data, np.float32), mask.grid), _SPACING_MM)
    return resample(Grid((x, y, z), affine), share, None, "linear")


def _signed(share: Image) -> Image:
    """Return the distance from the surface of a mask in mm: 0 far outside, 16 on the surface, 32 deep inside."""
    inside, mm = share.data > 0.5, share.grid.spacing_mm
    distance = np.asarray(ndimage.distance_transform_edt(inside, sampling=mm), np.float32)
    distance -= np.asarray(ndimage.distance_transform_edt(~inside, sampling=mm), np.float32)
    return Image(np.clip(distance, -_FARTHEST_MM, _FARTHEST_MM) + np.float32(_FARTHEST_MM), share.grid)


@cache
def _template() -> Image:
    brain = template().brain
    affine = np.eye(4)
    affine[:3, :3] = brain.direction * np.array(brain.spacing)
    affine[:3, 3] = brain.origin
    x, y, z = brain.shape
    return _signed(_on_common_spacing(Image(brain.numpy(), Grid((x, y, z), LPS @ affine))))
