"""A head drawn around the brain of the MNI152 template, and its affine registration by ANTs.

The template shows a brain only. Fluid, skull, scalp and air are drawn around it by distance, so that the registration
sees where a brain ends: without them the template's edge would be free to slide to the scalp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from os.path import dirname
from typing import Any

import ants
import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.errors import UnusableScanError
from residua.images.averaging import averaged
from residua.images.heads import head_of
from residua.images.mni152 import Map, brain_of, mni_map
from residua.images.volumes import LPS, Grid, Image
from residua.registration.scratch import require_room, require_whole
from residua.registration.transforms import error_of, to_ants

SEED = 20230613
AFFINE_SPACING_MM = 4.0
DRAWN_SPACING_MM = 3.0
"""Of the images on which the head is drawn."""
_STEP_MM = 2.0
"""Of the grid on which the template's head is drawn."""
_COARSE = {"aff_iterations": (100, 50), "aff_shrink_factors": (4, 2), "aff_smoothing_sigmas": (2, 1)}
_FINE = {"aff_iterations": (100, 50), "aff_shrink_factors": (2, 1), "aff_smoothing_sigmas": (1, 0)}
_LAYERS = ((24.0, 0.0), (14.0, 0.9), (8.0, 0.1), (2.5, 0.2))
"""Outer distance (mm) from the brain and brightness of air, scalp, skull and fluid."""
_NECK_MM = -40.0
"""Below this height over the anterior commissure the brain is surrounded by face and neck, not by a scalp."""
_HEAD_MM, _CENTRE_MM = 150.0, 80.0
"""From the top of the head: how far down its outline is that of a skull, and how far down the brain's centre lies."""
_PITCHES_DEGREES = (0.0, -15.0, 15.0)
"""Pitches of the head against the template from which the search begins."""
_FLIP = np.diag(LPS)[:3]


@dataclass(frozen=True)
class Template:
    """A head around the template's brain, the brain (0-1), and where the head is known; its centre in RAS, mm."""

    head: ants.ANTsImage
    brain: ants.ANTsImage
    known: ants.ANTsImage
    centre_mm: NDArray[np.float64]


def affine_to(head: Image, scratch: str) -> str:
    """Write the affine transform of the template to a head: the best of several coarse ones, refined.

    Returns its file in the folder ``scratch``. Raises ``ResiduaError`` when ANTs finds none.
    """
    fixed = to_ants(averaged(head, AFFINE_SPACING_MM))
    centre_mm = _centre_of_brain_mm(head)
    costs = {}
    for number, pitch in enumerate(_PITCHES_DEGREES):
        start = _start(centre_mm, pitch, f"{scratch}/start{number}.mat")
        found = _affine_from(start, fixed, _COARSE, f"{scratch}/coarse{number}")
        warped = ants.apply_transforms(fixed, template().head, [found])
        costs[found] = float(ants.image_mutual_information(fixed, warped))
    return _affine_from(min(costs, key=costs.__getitem__), fixed, _FINE, f"{scratch}/affine")


def _affine_from(start: str, fixed: ants.ANTsImage, levels: Mapping[str, tuple[int, ...]], prefix: str) -> str:
    found = registered(
        fixed,
        type_of_transform="Affine",
        initial_transform=[start],
        aff_random_sampling_rate=0.5,
        outprefix=prefix,
        **levels,
    )
    file: str = found["fwdtransforms"][0]
    return file


def registered(fixed: ants.ANTsImage, **options: Any) -> dict[str, Any]:
    """Register the template's head to an image by ANTs.

    Raises ``ScratchError`` when its files are not whole, and ``UnusableScanError`` when ANTs finds no transform.
    """
    shown = template()
    try:
        result = ants.registration(fixed, shown.head, moving_mask=shown.known, mask_all_stages=True, **options)
    except RuntimeError as error:
        require_room(dirname(options["outprefix"]), fixed.shape)
        raise error_of("ANTs", error) from error
    if not result or not result.get("fwdtransforms"):
        require_room(dirname(options["outprefix"]), fixed.shape)
        raise UnusableScanError("ANTs finds no transform from the template to the image")
    require_whole(result["fwdtransforms"], "ANTs")
    return dict(result)


def _start(centre_mm: NDArray[np.float64], pitch_degrees: float, file: str) -> str:
    """Write the rigid transform that puts the template's centre at ``centre_mm`` of the head, nodded by the pitch."""
    transform = ants.create_ants_transform(
        "AffineTransform",
        matrix=Rotation.from_euler("x", pitch_degrees, degrees=True).as_matrix(),
        center=(centre_mm * _FLIP).tolist(),
        translation=((template().centre_mm - centre_mm) * _FLIP).tolist(),
    )
    ants.write_transform(transform, file)
    require_whole([file], "ANTs")
    return file


def _centre_of_brain_mm(image: Image) -> NDArray[np.float64]:
    """Estimate the brain's centre (RAS, mm): below the top of the head, in the middle of its upper part."""
    head = head_of(image)
    points = apply_affine(image.grid.affine, np.argwhere(head.inside) * np.array(head.step))
    if not len(points):
        raise UnusableScanError("no head stands out from the background of the image")
    # Not the highest point of all: noise and coils reach higher than heads.
    top = np.percentile(points[:, 2], 99.5)
    upper = points[points[:, 2] > top - _HEAD_MM]
    low, high = np.percentile(upper[:, :2], [1, 99], axis=0)
    return np.array([*((low + high) / 2), top - _CENTRE_MM])


@cache
def template() -> Template:
    """Draw the head around the template's brain; once per process."""
    maps: tuple[Map, Map, Map] = ("t1", "gm", "wm")
    t1, grey, white = (_read(kind) for kind in maps)
    grid = t1.grid
    brain = brain_of(grey.data + white.data, _STEP_MM)
    distance_mm = _mm_from(brain)
    head = np.zeros_like(t1.data)
    for outer_mm, brightness in _LAYERS:
        head[distance_mm <= outer_mm] = brightness
    head = np.where(brain, t1.data, head)
    height_mm = grid.affine[2, 2] * np.arange(grid.shape[2]) + grid.affine[2, 3]
    known = (distance_mm <= _LAYERS[-1][0]) | ((distance_mm <= _LAYERS[0][0]) & (height_mm > _NECK_MM))
    centre_mm = apply_affine(grid.affine, np.argwhere(brain).mean(axis=0))
    smooth = ndimage.gaussian_filter(brain.astype(np.float32), 0.5)
    drawn, share, where = (to_ants(Image(data, grid)) for data in (head, smooth, known))
    coarse = ants.resample_image(
        ants.smooth_image(drawn, 1.0), (DRAWN_SPACING_MM,) * 3, use_voxels=False, interp_type=0
    )
    where = ants.resample_image_to_target(where, coarse, interp_type="nearestNeighbor")
    return Template(coarse, share, where, centre_mm)


def _read(kind: Map) -> Image:
    """Read a map (0-1), averaged to 2 mm, with room for the layers around it."""
    canonical = nib.as_closest_canonical(mni_map(kind))
    x, y, z = canonical.shape
    share = np.asarray(canonical.dataobj, np.float32) / np.float32(255.0)
    fine = averaged(Image(share, Grid((x, y, z), np.asarray(canonical.affine, np.float64))), _STEP_MM)
    room = round(_LAYERS[0][0] / _STEP_MM)
    affine = fine.grid.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, room)
    x, y, z = (n + 2 * room for n in fine.grid.shape)
    return Image(np.pad(fine.data, room), Grid((x, y, z), affine))


def _mm_from(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=_STEP_MM), np.float32)
