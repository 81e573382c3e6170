"""Brain shift: after surgery the brain sinks into the cavity, most near the cavity and not at all at the skull."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.volumes import LPS
from residua.publishing.publish import writing
from residua.simulate.world import Field, Point, World

_STEP_MM = 4.0
_FIXED_MM = 14.0
"""Depth over which the shift grows from zero at the surface of the brain to its full size."""
_INTENT_VECTOR = 1007


@dataclass(frozen=True)
class Shift:
    """From a point after surgery to the same tissue before it: vectors (x, y, z, 3) in RAS+ mm on a grid.

    Between grid points it is linear and beyond the grid it is zero, as ITK reads a displacement field.
    """

    world: World
    vectors: NDArray[np.float32]
    affine: NDArray[np.float64]

    def pulled(self, field: NDArray[Any], order: int = 1) -> NDArray[Any]:
        """Move a field (x, y, z) of the head before surgery to its place after surgery."""
        return np.asarray(ndimage.map_coordinates(field, self._places, order=order, mode="nearest"))

    @cached_property
    def _places(self) -> NDArray[np.float32]:
        """Indices of the world (3, x, y, z) before surgery, for each point after surgery."""
        world, shape = self.world, self.world.shape
        ratio = self.affine[0, 0] / world.step_mm
        coarse = np.meshgrid(*[np.arange(n, dtype=np.float32) / np.float32(ratio) for n in shape], indexing="ij")
        places = np.empty((3, *shape), np.float32)
        for axis in range(3):
            moved = ndimage.map_coordinates(self.vectors[..., axis], coarse, order=1, mode="constant", cval=0.0)
            places[axis] = coarse[axis] * np.float32(ratio) + moved / np.float32(world.step_mm)
        return places

    def write_itk(self, path: Path) -> None:
        """Write as a displacement field that ANTs and ITK read: five dimensions, vectors in LPS mm."""
        vectors = self.vectors * np.diag(LPS)[:3].astype(np.float32)
        image = nib.Nifti1Image(vectors[:, :, :, None, :], self.affine)
        image.header.set_intent(_INTENT_VECTOR)
        image.header.set_xyzt_units("mm")
        with writing(path, ".nii.gz") as part:
            nib.save(image, part)


def draw_shift(
    world: World, rng: np.random.Generator, brain_mm: Field, centre: Point, radius_mm: float, largest_mm: float
) -> Shift:
    """Draw a shift of up to ``largest_mm`` towards the centre of a tumour of ``radius_mm``, and a sag backwards."""
    stride = max(round(_STEP_MM / world.step_mm), 1)
    depth = np.clip(-brain_mm[::stride, ::stride, ::stride] / np.float32(_FIXED_MM), 0.0, 1.0)
    held = depth * depth * (np.float32(3.0) - np.float32(2.0) * depth)
    from_centre = [axis.ravel()[::stride] - np.float32(c) for axis, c in zip(world.axes, centre, strict=True)]
    x, y, z = np.meshgrid(*from_centre, indexing="ij")
    reach = np.sqrt(x * x + y * y + z * z) / np.float32(1.2 * radius_mm)
    # Zero at the centre, 1 at the reach, decreasing outside it.
    strength = np.float32(largest_mm / (1.2 * radius_mm)) * np.exp(0.5 - 0.5 * reach * reach) * held
    vectors = np.stack([strength * x, strength * y, strength * z], axis=-1)
    # Patients lie on their back: tissue that sinks came from further in front.
    sag = np.float32(0.4 * largest_mm * rng.uniform()) * np.exp(np.float32(-0.5) * reach * reach) * held
    vectors[..., 1] += sag
    affine = world.affine.copy()
    affine[:3, :3] *= stride
    return Shift(world, vectors.astype(np.float32), affine)
