"""The brain of the MNI152 template, registered to a head by ANTs: needs no trained network.

The template shows a brain only. Fluid, skull, scalp and air are drawn around it by distance, so that the registration
sees where a brain ends: without them the template's edge would be free to slide to the scalp. Everything runs in ANTs'
reproducible mode: two runs give the same bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import ants
import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.cohort.checks.labels import head_of
from residua.errors import ResiduaError
from residua.images import Grid, Image
from residua.metrics.voxelwise import dice_of
from residua.mni import Map, mni_map
from residua.pieces import solid
from residua.registration import to_ants

_SEED = 20230613
_SYN_SPACING_MM, _AFFINE_SPACING_MM = 3.0, 4.0
_SYN_ITERATIONS = (60, 40, 20)
_BRAIN_SHARE, _CLOSING_MM = 0.4, 6.0
"""Grey and white matter from this share on is brain, closed over furrows and ventricles."""
_LAYERS = ((24.0, 0.0), (14.0, 0.9), (8.0, 0.1), (2.5, 0.2))
"""Outer distance (mm) from the brain and brightness of air, scalp, skull and fluid."""
_NECK_MM = -40.0
"""Below this height over the anterior commissure the brain is surrounded by face and neck, not by a scalp."""
_HEAD_MM, _CENTRE_MM = 150.0, 80.0
"""From the top of the head: how far down its outline is that of a skull, and how far down the brain's centre lies."""
_PITCHES_DEGREES = (0.0, -15.0, 15.0)
"""How a head may nod against the template when the search begins."""
_LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class _Template:
    """A head around the template's brain, the brain (0-1), and where the head is known; its centre in RAS, mm."""

    head: ants.ANTsImage
    brain: ants.ANTsImage
    known: ants.ANTsImage
    centre_mm: NDArray[np.float64]


def load(settings: Mapping[str, Any]) -> Callable[[Image], Image]:
    """The extractor; it has no settings."""
    return extract


def extract(head: Image) -> Image:
    """The brain of a whole head (x, y, z) as booleans on the same grid: affine, then SyN on images of 3 mm.

    The template's mask comes through the transform with linear interpolation; above 0.5, in one piece without holes.
    Raises ``ResiduaError`` when ANTs finds no transform.
    """
    ants.config.set_ants_deterministic(on=True, seed_value=_SEED)
    fixed = _coarser(to_ants(head), _SYN_SPACING_MM)
    with tempfile.TemporaryDirectory(prefix="template-") as scratch:
        affine = _affine(head, scratch)
        found = _registered(
            fixed,
            type_of_transform="SyNOnly",
            initial_transform=[affine],
            reg_iterations=_SYN_ITERATIONS,
            outprefix=f"{scratch}/syn",
        )
        return _brain_on(head, found["fwdtransforms"])


def template_overlap(reference: Image, mask: Image) -> float:
    """Dice (0-1) of a brain mask with the template's, after an affine registration of the template to ``reference``.

    Both on the grid of ``reference`` (x, y, z), but compared at about 4 mm: what counts is whether the mask lies where a
    brain can be. NaN when both are empty. Raises ``ResiduaError`` when ANTs finds no transform.
    """
    ants.config.set_ants_deterministic(on=True, seed_value=_SEED)
    with tempfile.TemporaryDirectory(prefix="template-") as scratch:
        coarse = _coarser(to_ants(reference), _AFFINE_SPACING_MM)
        brain = ants.apply_transforms(coarse, _template().brain, [_affine(reference, scratch)]).numpy() > 0.5
    given = ants.resample_image_to_target(to_ants(mask), coarse, interp_type="linear").numpy() > 0.5
    return dice_of(int((brain & given).sum()), int(brain.sum()), int(given.sum()))


def _affine(head: Image, scratch: str) -> str:
    """The file of the best affine transform from several starts."""
    fixed = _coarser(to_ants(head), _AFFINE_SPACING_MM)
    centre_mm = _centre_of_brain_mm(head)
    costs = {}
    for number, pitch in enumerate(_PITCHES_DEGREES):
        found = _registered(
            fixed,
            type_of_transform="Affine",
            initial_transform=[_start(centre_mm, pitch, f"{scratch}/start{number}.mat")],
            aff_iterations=(200, 100, 50),
            aff_shrink_factors=(4, 2, 1),
            aff_smoothing_sigmas=(2, 1, 0),
            aff_random_sampling_rate=0.5,
            outprefix=f"{scratch}/affine{number}",
        )
        warped = ants.apply_transforms(fixed, _template().head, found["fwdtransforms"])
        costs[found["fwdtransforms"][0]] = float(ants.image_mutual_information(fixed, warped))
    return min(costs, key=costs.__getitem__)


def _registered(fixed: ants.ANTsImage, **options: Any) -> dict[str, Any]:
    template = _template()
    try:
        found = ants.registration(
            fixed, template.head, moving_mask=template.known, mask_all_stages=True, singleprecision=True, **options
        )
    except RuntimeError as error:
        raise ResiduaError(f"ANTs could not register the template to the image: {error}") from error
    if not found or not found.get("fwdtransforms"):
        raise ResiduaError("ANTs finds no transform from the template to the image; does it show a head?")
    return dict(found)


def _brain_on(head: Image, transforms: list[str]) -> Image:
    warped = ants.apply_transforms(to_ants(head), _template().brain, transforms, interpolator="linear")
    return Image(solid(warped.numpy()), head.grid)


def _start(centre_mm: NDArray[np.float64], pitch_degrees: float, file: str) -> str:
    """Write the rigid transform that puts the template's centre at ``centre_mm`` of the head, nodded by the pitch."""
    transform = ants.create_ants_transform(
        "AffineTransform",
        matrix=Rotation.from_euler("x", pitch_degrees, degrees=True).as_matrix(),
        center=(centre_mm * _LPS).tolist(),
        translation=((_template().centre_mm - centre_mm) * _LPS).tolist(),
    )
    ants.write_transform(transform, file)
    return file


def _centre_of_brain_mm(image: Image) -> NDArray[np.float64]:
    """About where the brain's centre lies in the world (RAS, mm): below the top of the head, amid its upper part."""
    head = head_of(image)
    points = apply_affine(image.grid.affine, np.argwhere(head.inside) * np.array(head.step))
    if not len(points):
        raise ResiduaError("the image shows no head that stands out from its background")
    # Not the highest point of all: noise and coils reach higher than heads.
    top = np.percentile(points[:, 2], 99.5)
    upper = points[points[:, 2] > top - _HEAD_MM]
    low, high = np.percentile(upper[:, :2], [1, 99], axis=0)
    return np.array([*((low + high) / 2), top - _CENTRE_MM])


def _coarser(image: ants.ANTsImage, spacing_mm: float) -> ants.ANTsImage:
    smooth = ants.smooth_image(
        image, [0.4 * max(spacing_mm - size, 0.0) for size in image.spacing], sigma_in_physical_coordinates=True
    )
    spacing = [max(spacing_mm, size) for size in image.spacing]
    return ants.resample_image(smooth, spacing, use_voxels=False, interp_type=0)


@cache
def _template() -> _Template:
    maps: tuple[Map, Map, Map] = ("t1", "gm", "wm")
    (t1, grid), (grey, _), (white, _) = (_read(kind) for kind in maps)
    brain = _closed(grey + white > _BRAIN_SHARE)
    distance_mm = ndimage.distance_transform_edt(~brain)
    head = np.zeros_like(t1)
    for outer_mm, brightness in _LAYERS:
        head[distance_mm <= outer_mm] = brightness
    head = np.where(brain, t1, head)
    height_mm = grid.affine[2, 2] * np.arange(grid.shape[2]) + grid.affine[2, 3]
    known = (distance_mm <= _LAYERS[-1][0]) | ((distance_mm <= _LAYERS[0][0]) & (height_mm > _NECK_MM))
    centre_mm = apply_affine(grid.affine, np.argwhere(brain).mean(axis=0))
    coarse = _coarser(to_ants(Image(head, grid)), _SYN_SPACING_MM)
    smooth = ndimage.gaussian_filter(brain.astype(np.float32), 1.0)
    where = ants.resample_image_to_target(to_ants(Image(known, grid)), coarse, interp_type="nearestNeighbor")
    return _Template(coarse, to_ants(Image(smooth, grid)), where, centre_mm)


def _read(kind: Map) -> tuple[NDArray[np.float32], Grid]:
    """A map (0-1) with room for the layers around it, and its grid of 1 mm."""
    canonical = nib.as_closest_canonical(mni_map(kind))
    room = round(_LAYERS[0][0])
    share = np.pad(np.asarray(canonical.dataobj, np.float32) / np.float32(255.0), room)
    affine = np.array(canonical.affine, np.float64)
    affine[:3, 3] -= affine[:3, :3] @ np.full(3, room)
    x, y, z = share.shape
    return share, Grid((x, y, z), affine)


def _closed(matter: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grown = ndimage.distance_transform_edt(~matter) <= _CLOSING_MM
    return solid(ndimage.distance_transform_edt(grown) > _CLOSING_MM)
