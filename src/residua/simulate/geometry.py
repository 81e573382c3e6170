"""Where a patient lies in each scan: rigid movement between sequences, and the grids they are sampled on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.images import Grid
from residua.publish import write_text
from residua.simulate.hospitals import Spacing
from residua.simulate.world import Field, World

Matrix = NDArray[np.float64]
"""4x4, RAS+ mm to RAS+ mm."""

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def draw_movement(rng: np.random.Generator, largest_degrees: float, largest_mm: float) -> Matrix:
    """From a point of the reference scan to the same point of the patient in the moving scan (rigid)."""
    axis, shift = rng.standard_normal((2, 3))
    angle = rng.uniform(0.4, 1.0) * largest_degrees
    length_mm = rng.uniform(0.4, 1.0) * largest_mm
    movement = np.eye(4)
    movement[:3, :3] = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle, degrees=True).as_matrix()
    movement[:3, 3] = shift / np.linalg.norm(shift) * length_mm
    return movement


def draw_grid(
    rng: np.random.Generator, spacing_mm: Spacing, size_mm: Spacing, stored_as: str, oblique_degrees: float
) -> Grid:
    """A grid around the head, a few mm off its centre, tilted about the left-right axis by ``oblique_degrees``."""
    shape = [int(size // step) for size, step in zip(size_mm, spacing_mm, strict=True)]
    affine = np.eye(4)
    tilt = Rotation.from_euler("x", oblique_degrees, degrees=True).as_matrix()
    affine[:3, :3] = tilt @ np.diag(spacing_mm)
    centre = np.array([0.0, 0.0, -4.0]) + rng.uniform(-1.5, 1.5, 3)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1.0) / 2.0)
    return Grid((shape[0], shape[1], shape[2]), affine, stored_as)


def sample(world: World, picture: Field, grid: Grid, movement: Matrix, fill: float = 0.0) -> Field:
    """``picture`` as the scan with ``grid`` finds it after ``movement`` (linear interpolation, ``fill`` outside)."""
    index = np.linalg.inv(world.affine) @ np.linalg.inv(movement) @ grid.affine
    found = ndimage.affine_transform(
        picture, index[:3, :3], index[:3, 3], output_shape=grid.shape, order=1, mode="constant", cval=fill
    )
    return np.asarray(found, dtype=np.float32)


def sampled_mask(world: World, share: Field, grid: Grid, movement: Matrix) -> NDArray[np.bool_]:
    """The grid points of which at least half is covered by ``share``."""
    return sample(world, share, grid, movement) >= 0.5


def write_itk(movement: Matrix, path: Path) -> None:
    """Write ``movement`` as ITK text (LPS mm) that resamples the moving sequence onto the reference.

    ITK's transforms map points of the fixed image to points of the moving one, which is what ``movement`` does.
    """
    lps = _LPS @ movement @ _LPS
    parameters = [*lps[:3, :3].ravel(), *lps[:3, 3]]
    lines = (
        "#Insight Transform File V1.0",
        "#Transform 0",
        "Transform: AffineTransform_double_3_3",
        "Parameters: " + " ".join(repr(float(value)) for value in parameters),
        "FixedParameters: 0 0 0",
    )
    write_text(path, "\n".join(lines) + "\n")


def read_itk(path: Path) -> Matrix:
    """The RAS+ matrix (4x4, mm) of a file that ``write_itk`` wrote."""
    lines = dict(line.split(": ") for line in path.read_text(encoding="utf-8").splitlines() if ": " in line)
    values = [float(value) for value in lines["Parameters"].split()]
    lps = np.eye(4)
    lps[:3] = np.column_stack([np.reshape(values[:9], (3, 3)), values[9:]])
    return np.asarray(_LPS @ lps @ _LPS)
