"""Scan a training head: field of view, slices, blur, ghosts, uneven coil, noise and grey scale of many scanners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.brain_model.pose import OUTLINE_MM, Points, Pose, lattice, sampled
from residua.simulate.world import Field

_OWN_BLUR_MM = 0.8
"""Standard deviation of the blur that the world's own grid has."""
_SLICES_MM = ((0.35, 0.9, 1.6), (0.25, 1.6, 4.0), (0.40, 4.0, 7.0))
"""Thickness of slices: share of the scans, least, largest."""


@dataclass(frozen=True)
class Scanning:
    """How one head is scanned; lengths are in mm, ``centre_mm`` is that of the field of view from the brain's middle.

    ``blurs_mm`` are the thicknesses that a voxel averages over, along x, y, z. ``numbers`` seeds the noise.
    """

    field_mm: tuple[float, float, float]
    slice_mm: float
    centre_mm: tuple[float, float, float]
    blurs_mm: tuple[float, float, float]
    coil: tuple[float, ...]
    noise: float
    grain: float
    ghost: float
    ghosts: int
    gamma: float
    ceiling: float
    masked: bool
    numbers: int

    @property
    def slices(self) -> int:
        """Number of axial slices."""
        return max(round(self.field_mm[2] / self.slice_mm), 1)


def draw_scanning(rng: np.random.Generator) -> Scanning:
    """Draw how a head is scanned."""
    shares = [share for share, _, _ in _SLICES_MM]
    _, least, largest = _SLICES_MM[rng.choice(len(_SLICES_MM), p=shares)]
    slice_mm = float(rng.uniform(least, largest))
    in_plane = rng.uniform(0.5, 1.5)
    blurs = [in_plane, in_plane, slice_mm]
    # Sagittal and coronal scans have their thick slices along another axis.
    if slice_mm < 1.6 and rng.random() < 0.4:
        blurs[int(rng.choice(2))] = float(rng.uniform(1.0, 6.0))
    upright = slice_mm < 2.0
    height = rng.uniform(150, 256) if upright else rng.uniform(125, 185)
    below = max(height - 150.0, 0.0) / 2.0
    return Scanning(
        field_mm=(float(rng.uniform(165, 260)), float(rng.uniform(195, 265)), float(height)),
        slice_mm=slice_mm,
        centre_mm=(float(rng.normal(0, 5)), float(rng.normal(3, 7)), float(rng.normal(-0.7 * below, 9.0))),
        blurs_mm=(blurs[0], blurs[1], blurs[2]),
        coil=tuple(float(each) for each in rng.normal(0.0, rng.uniform(0.02, 0.22), 6)),
        noise=float(rng.choice([0.0, 1.0], p=[0.1, 0.9]) * rng.uniform(0.01, 0.11)),
        grain=float(rng.choice([0.0, 0.7])),
        ghost=float(rng.uniform(0.02, 0.15) if rng.random() < 0.25 else 0.0),
        ghosts=int(rng.integers(2, 5)),
        gamma=float(np.exp(rng.normal(0.0, 0.2))),
        ceiling=float(rng.uniform(97.0, 99.9) if rng.random() < 0.2 else 100.0),
        masked=bool(rng.random() < 0.15),
        numbers=int(rng.integers(2**31)),
    )


@dataclass(frozen=True)
class Scanned:
    """A blurred picture of a head in the world, its brain, and how both are scanned."""

    blurred: Field
    brain_mm: Field
    step_mm: float
    pose: Pose
    how: Scanning

    def grid(self, shape: tuple[int, int, int], first: float = 0.0) -> Points:
        """Return the voxels' centres of ``shape`` x, y over the whole field and as many slices from ``first`` on."""
        field, how = np.array(self.how.field_mm), self.how
        spacing = np.array([field[0] / shape[0], field[1] / shape[1], how.slice_mm])
        lowest = -0.5 * how.slices * how.slice_mm
        middle = np.array([0.0, 0.0, lowest + (first + shape[2] / 2.0) * how.slice_mm])
        return lattice(spacing, shape, np.array(how.centre_mm) + middle)

    def brain(self, points: Points) -> NDArray[np.bool_]:
        """Return which of ``points`` are in the brain."""
        return np.asarray(sampled(self.brain_mm, self.step_mm, self.pose(points)) < OUTLINE_MM)

    def values(self, points: Points, number: int = 0) -> Field:
        """Return the scan's values at ``points``; the noise is that of the ``number``-th part of the scan."""
        how, rng = self.how, np.random.default_rng([self.how.numbers, number])
        picture = np.maximum(sampled(self.blurred, self.step_mm, self.pose(points)), 0.0)
        if how.ghost:
            picture = picture + np.float32(how.ghost) * np.roll(picture, picture.shape[1] // how.ghosts, axis=1)
        picture = picture ** np.float32(how.gamma) * self._coil(points)
        noise = np.float32(how.noise) * rng.standard_normal((2, *picture.shape), dtype=np.float32)
        if how.grain:
            noise = ndimage.gaussian_filter(noise, (0, how.grain, how.grain, 0))
        noisy = np.hypot(picture + noise[0], noise[1])
        if how.ceiling < 100.0:
            noisy = np.minimum(noisy, np.percentile(noisy, how.ceiling))
        return np.where(picture < 0.05, 0.0, noisy) if how.masked else noisy

    def _coil(self, points: Points) -> Field:
        x, y, z = points / np.float32(110.0)
        terms = (x, y, z, x * x - 0.33, y * y - 0.33, z * z - 0.33)
        return np.asarray(np.exp(sum(np.float32(w) * term for w, term in zip(self.how.coil, terms, strict=True))))


def scanned(picture: Field, brain_mm: Field, step_mm: float, pose: Pose, how: Scanning) -> Scanned:
    """Blur a picture of the world as the scan's voxels do."""
    scale = np.cbrt(abs(np.linalg.det(pose.affine[:3, :3])))
    for axis, width_mm in enumerate(how.blurs_mm):
        # The standard deviation of a box.
        sigma_mm = np.sqrt(max((width_mm * scale) ** 2 / 12.0 - (0.0 if width_mm > 3.0 else _OWN_BLUR_MM**2), 0.0))
        if sigma_mm > 0:
            picture = ndimage.gaussian_filter1d(picture, sigma_mm / step_mm, axis=axis, mode="nearest")
    return Scanned(picture, brain_mm, step_mm, pose, how)
