"""Build brains from the MNI152 2009a maps of grey and white matter.

The maps are averages, so every patient's brain is a deformed copy with its own furrows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.images.components import largest_piece
from residua.images.mni152 import Map, brain_of, mni_map
from residua.simulate.world import Field, World

_SCALE = 0.92
"""The template is larger than most brains."""
_CENTRE_MM = np.array([0.0, 15.0, -14.0])
"""Position of the template's origin (the anterior commissure) in the world."""
_WAVES_MM = ((2.5, 45.0), (2.0, 24.0), (1.0, 10.0))
"""Standard deviation and scale of the deformation's displacements; slopes stay far below 1, which prevents folding."""
_SHARPNESS = 2.0


@dataclass(frozen=True)
class Brain:
    """Shares of grey and white matter (0-1), signed distances (mm) to brain and ventricles, mm from the midline."""

    gm: Field
    wm: Field
    brain_mm: Field
    ventricles_mm: Field
    midline_mm: Field


def build_brain(world: World, rng: np.random.Generator) -> Brain:
    """Deform the template by a random affine map and a smooth random deformation."""
    return brain_at(world, *draw_places(world, rng))


def brain_at(world: World, places: NDArray[np.float32], midline_mm: Field) -> Brain:
    """Build the brain whose points lie at ``places`` of the template, as ``draw_places`` returns them."""
    gm, wm = (pulled(share, places) for share in _maps())
    fluid = np.maximum(np.float32(1.0) - gm - wm, 0.0)
    brain_mm = _signed_mm(world, brain_of(np.asarray(gm + wm, np.float32), world.step_mm))
    ventricles_mm = _ventricles_mm(world, fluid, brain_mm)
    gm, wm, fluid = gm**_SHARPNESS, wm**_SHARPNESS, fluid**_SHARPNESS
    whole = np.maximum(gm + wm + fluid, np.float32(1e-6))
    return Brain(gm / whole, wm / whole, brain_mm, ventricles_mm, midline_mm)


@cache
def _maps() -> tuple[Field, Field]:
    kinds: tuple[Map, Map] = ("gm", "wm")
    grey, white = (np.float32(1.0 / 255.0) * np.asanyarray(mni_map(kind).dataobj, np.float32) for kind in kinds)
    return grey, white


def pulled(share: Field, places: NDArray[np.float32]) -> Field:
    """Return a map of the template at ``places``, zero outside it."""
    return np.asarray(ndimage.map_coordinates(share, places, np.float32, order=1, mode="constant"), np.float32)


def draw_places(world: World, rng: np.random.Generator) -> tuple[NDArray[np.float32], Field]:
    """Draw the deformation of a brain.

    Returns the template's voxel indices (3, x, y, z) at each point of the world, and the mm from its midline.
    """
    sizes = _SCALE * rng.uniform(0.96, 1.04, 3)
    turn = Rotation.from_euler("xyz", rng.uniform(-2.0, 2.0, 3), degrees=True).as_matrix()
    to_world = np.eye(4)
    to_world[:3, :3], to_world[:3, 3] = turn @ np.diag(sizes), _CENTRE_MM
    to_template = np.linalg.inv(to_world)
    to_index = np.linalg.inv(mni_map("gm").affine)
    bent = [axis + sum(np.float32(sd) * world.noise(rng, scale) for sd, scale in _WAVES_MM) for axis in world.axes]
    index = (to_index @ to_template).astype(np.float32)
    places = np.stack([sum(row[i] * bent[i] for i in range(3)) + row[3] for row in index[:3]])
    row = to_template[0].astype(np.float32)
    return places, np.asarray((sum(row[i] * bent[i] for i in range(3)) + row[3]) * np.float32(sizes[0]))


def _ventricles_mm(world: World, fluid: Field, brain_mm: Field) -> Field:
    """Return the signed distance to the largest body of fluid deep in the brain."""
    return _signed_mm(world, largest_piece((fluid > 0.5) & (brain_mm < -15.0)))


def _signed_mm(world: World, inside: NDArray[np.bool_]) -> Field:
    within = ndimage.distance_transform_edt(inside, sampling=world.step_mm)
    without = ndimage.distance_transform_edt(~inside, sampling=world.step_mm)
    # Distances are to the centres on the other side: the surface lies half a step before them.
    distance = np.where(inside, 0.5 * world.step_mm - within, without - 0.5 * world.step_mm)
    return np.asarray(ndimage.gaussian_filter(distance.astype(np.float32), 0.7))
