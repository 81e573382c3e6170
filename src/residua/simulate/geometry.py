"""Position of a patient in each scan: rigid movement between sequences, and their sampling grids."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from residua.images.volumes import LPS, Grid
from residua.publishing.publish import write_text
from residua.simulate.design import Movement, ScanSampling
from residua.simulate.world import Field, World

Matrix = NDArray[np.float64]
"""4x4, RAS+ mm to RAS+ mm."""


def draw_movement(rng: np.random.Generator, largest: Movement) -> Matrix:
    """Draw a rigid movement: from a point of the reference scan to the same tissue in the moving scan."""
    axis, shift = rng.standard_normal((2, 3))
    angle = rng.uniform(0.4, 1.0) * largest.degrees
    length_mm = rng.uniform(0.4, 1.0) * largest.mm
    movement = np.eye(4)
    movement[:3, :3] = Rotation.from_rotvec(axis / np.linalg.norm(axis) * angle, degrees=True).as_matrix()
    movement[:3, 3] = shift / np.linalg.norm(shift) * length_mm
    return movement


def draw_grid(rng: np.random.Generator, sampling: ScanSampling) -> Grid:
    """Draw a grid around the head, a few mm off its centre, tilted about the left-right axis."""
    shape = [int(size // step) for size, step in zip(sampling.field_of_view_mm, sampling.spacing_mm, strict=True)]
    affine = np.eye(4)
    tilt = Rotation.from_euler("x", sampling.oblique_degrees, degrees=True).as_matrix()
    affine[:3, :3] = tilt @ np.diag(sampling.spacing_mm)
    centre = np.array([0.0, 0.0, -4.0]) + rng.uniform(-1.5, 1.5, 3)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1.0) / 2.0)
    return Grid((shape[0], shape[1], shape[2]), affine, sampling.stored_as)


def sample(world: World, picture: Field, grid: Grid, movement: Matrix) -> Field:
    """Sample ``picture`` on ``grid`` after ``movement``, as the mean over each voxel's extent.

    A voxel is averaged over one point per step of the world: thick slices blur what they cut.
    """
    steps = [max(round(spacing / world.step_mm), 1) for spacing in grid.spacing_mm]
    sampled = np.zeros(grid.shape, np.float32)
    for offset in product(*[(np.arange(n) + 0.5) / n - 0.5 for n in steps]):
        sampled += _resliced(world, picture, grid, movement, order=1, offset=offset)
    return sampled / np.float32(np.prod(steps))


def _resliced(
    world: World, picture: NDArray[Any], grid: Grid, movement: Matrix, order: int, offset: Sequence[float] = (0, 0, 0)
) -> NDArray[Any]:
    within = np.eye(4)
    within[:3, 3] = offset
    index = np.linalg.inv(world.affine) @ np.linalg.inv(movement) @ grid.affine @ within
    # Beyond the world lies air, and below it the neck continues: both equal the values at its edge.
    resliced = ndimage.affine_transform(
        picture, index[:3, :3], index[:3, 3], output_shape=grid.shape, order=order, mode="nearest"
    )
    return np.asarray(resliced)


def sampled_mask(world: World, share: Field, grid: Grid, movement: Matrix) -> NDArray[np.bool_]:
    """Return the voxels that ``share`` covers at least by half."""
    return sample(world, share, grid, movement) >= 0.5


def drawn_mask(world: World, share: Field, volume_ml: float, grid: Grid, movement: Matrix) -> NDArray[np.bool_]:
    """Return as many voxels as make the volume: those that ``share`` covers most.

    A small structure thus keeps its volume on thick slices, even if it fills less than half of a voxel.
    """
    covered = sample(world, share, grid, movement)
    wanted = min(round(volume_ml / grid.voxel_ml), int(np.count_nonzero(covered)))
    drawn = np.zeros(grid.shape, bool)
    if wanted:
        drawn.flat[np.argpartition(covered.ravel(), -wanted)[-wanted:]] = True
    return drawn


def sampled_labels(world: World, labels: NDArray[np.uint8], grid: Grid, movement: Matrix) -> NDArray[np.uint8]:
    """Return the nearest label at each voxel."""
    return _resliced(world, labels, grid, movement, order=0)


def write_itk(movement: Matrix, path: Path) -> None:
    """Write ``movement`` as ITK text (LPS mm) that resamples the moving sequence onto the reference.

    ITK's transforms map points of the fixed image to points of the moving image, as ``movement`` does.
    """
    lps = LPS @ movement @ LPS
    parameters = [*lps[:3, :3].ravel(), *lps[:3, 3]]
    lines = (
        "#Insight Transform File V1.0",
        "#Transform 0",
        "Transform: AffineTransform_double_3_3",
        "Parameters: " + " ".join(repr(float(value)) for value in parameters),
        "FixedParameters: 0 0 0",
    )
    write_text(path, "\n".join(lines) + "\n")
