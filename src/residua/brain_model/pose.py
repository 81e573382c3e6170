"""Draw the shape and the place of a training head: a diffeomorphism, a size and a rotation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.simulate.world import LOW_MM, SIZE_MM, Field

BRAIN_ML = (1100.0, 1900.0)
"""Range of the brain's volume, with the fluid in and right around it."""
OUTLINE_MM = 0.5
"""The brain ends this far outside its surface: some tools include the nearest fluid, others end at the cortex."""
_STEP_MM = 8.0
_HALVINGS = 5
"""The displacement is the flow of a velocity, followed in 2 to this power steps: it never folds."""
_FLOWS_MM = ((7.0, 40.0), (4.0, 20.0), (1.5, 11.0))
"""Largest standard deviation and scale of the velocities."""
_PITCH, _OTHER = 9.0, 5.0
"""Standard deviations of the rotations in degrees: about the axis between the ears, and about the others."""

Points = NDArray[np.float32]
"""Places in mm (3, x, y, z)."""


@dataclass(frozen=True)
class Pose:
    """From a place in the scan to the same tissue in the world: an affine map (4x4), then a displacement in mm.

    ``displacement`` (3, x, y, z) lies on a coarse grid over the world.
    """

    affine: NDArray[np.float64]
    displacement: NDArray[np.float32]

    def __call__(self, points: Points) -> Points:
        """Return the places in the world of ``points`` in the scan, whose origin lies in the brain."""
        linear, shift = self.affine[:3, :3].astype(np.float32), self.affine[:3, 3].astype(np.float32)
        moved = np.tensordot(linear, points, 1) + shift.reshape(3, 1, 1, 1)
        return moved + np.stack([_looked_up(part, moved) for part in self.displacement])


def draw_pose(brain_mm: Field, step_mm: float, rng: np.random.Generator) -> Pose:
    """Draw a pose in which the brain, where ``brain_mm`` of the world is low, has a volume within ``BRAIN_ML``."""
    displacement = _flow(rng)
    angles = rng.normal(0.0, (_PITCH, _OTHER, _OTHER))
    mirrored = np.array([rng.choice([-1.0, 1.0]), 1.0, 1.0])
    stretches = np.exp(rng.normal(0.0, 0.04, 3)) * mirrored
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag(stretches)
    wanted_ml = rng.uniform(*BRAIN_ML)
    middle = _middle_mm(brain_mm, step_mm)
    scale = 1.0
    for _ in range(3):
        pose = Pose(_about(middle, turn / scale), displacement)
        scale *= float((wanted_ml / _volume_ml(pose, brain_mm, step_mm)) ** (1 / 3))
    return Pose(_about(middle, turn / scale), displacement)


def sampled(field: Field, step_mm: float, places: Points) -> Field:
    """Return the values of a field of the world at ``places``; beyond the world the edge's values continue."""
    index = (places - np.array(LOW_MM, np.float32).reshape(3, 1, 1, 1)) / np.float32(step_mm)
    return np.asarray(ndimage.map_coordinates(field, index, np.float32, order=1, mode="nearest"))


def lattice(spacing_mm: NDArray[np.float64], shape: tuple[int, ...], centre_mm: NDArray[np.float64]) -> Points:
    """Return the centres (mm) of the voxels of an upright grid around a place."""
    axes = [
        (np.arange(n) - (n - 1) / 2.0) * step + middle
        for n, step, middle in zip(shape, spacing_mm, centre_mm, strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)


def _about(middle: NDArray[np.float64], linear: NDArray[np.float64]) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = linear, middle
    return affine


def _middle_mm(brain_mm: Field, step_mm: float) -> NDArray[np.float64]:
    inside = np.argwhere(brain_mm < OUTLINE_MM)
    return np.asarray((inside.min(axis=0) + inside.max(axis=0)) / 2.0 * step_mm + np.array(LOW_MM))


def _volume_ml(pose: Pose, brain_mm: Field, step_mm: float) -> float:
    points = lattice(np.full(3, 6.0), (36, 42, 36), np.zeros(3))
    return float((sampled(brain_mm, step_mm, pose(points)) < OUTLINE_MM).sum()) * 0.216


def _flow(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the displacement (mm) of every point of the coarse grid along a smooth velocity."""
    shape = tuple(int(size // _STEP_MM) + 1 for size in SIZE_MM)
    velocity = np.zeros((3, *shape), np.float32)
    for largest_mm, scale_mm in _FLOWS_MM:
        noise = rng.standard_normal((3, *shape), dtype=np.float32)
        smooth = ndimage.gaussian_filter(noise, (0, *[scale_mm / _STEP_MM] * 3), mode="wrap")
        velocity += np.float32(rng.uniform(0.3, 1.0) * largest_mm) * smooth / smooth.std()
    displacement = velocity / np.float32(2**_HALVINGS)
    low = np.array(LOW_MM, np.float32).reshape(3, 1, 1, 1)
    places = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")).astype(np.float32)
    places = places * np.float32(_STEP_MM) + low
    for _ in range(_HALVINGS):
        ahead = places + displacement
        displacement = displacement + np.stack([_looked_up(part, ahead) for part in displacement])
    return displacement


def _looked_up(part: NDArray[np.float32], places: Points) -> NDArray[np.float32]:
    return sampled(part, _STEP_MM, places)
