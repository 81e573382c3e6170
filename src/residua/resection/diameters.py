"""Measure the in-plane diameters of a mask in axial planes.

An axial plane is one of anatomy: across the axis from foot to head, however the scan was tilted or its voxels are
stored. A diameter is a straight line inside the mask, so that it never spans the cavity that a rim surrounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import pdist

from residua.images.volumes import Grid, Image, box_around

_Field = NDArray[np.float32]
"""Share of the mask, 0 to 1; its edge is where linear interpolation gives one half."""
_EDGE = 0.5 - 1e-4
_ALIGNED = 1e-3
"""A grid whose axes differ from those of anatomy by less (radians) is not resampled."""
_STEP = 0.5
"""In pixels: between the points of a line, and between lines."""
_FEW = 16
"""Voxels along each axis."""
_TURNS_DEGREES = ((5.0, 90.0), (1.0, 5.0), (0.25, 1.0))
"""Step and range on each side of the angles that are tried, from coarse to fine."""


@dataclass(frozen=True)
class Diameters:
    """Measurements, not a response category: all 0 for an empty mask.

    ``longest_mm`` is the longest line inside the mask in any axial plane. ``perpendicular_mm`` is the longest line at a
    right angle to it, in the same plane and the same piece.
    """

    longest_mm: float
    perpendicular_mm: float
    product_mm2: float


@dataclass(frozen=True)
class _Piece:
    """One connected piece of the mask in one plane, pixels along x and y; no diameter is longer than ``bound_mm``."""

    field: _Field
    pixel_mm: NDArray[np.float64]
    bound_mm: float


def axial_diameters(mask: Image) -> Diameters:
    """Measure a mask (booleans) in all axial planes.

    >>> mask = np.zeros((20, 20, 3), dtype=bool)
    >>> mask[5:15, 8:12, 1] = True
    >>> found = axial_diameters(Image(mask, Grid(mask.shape, np.diag([2.0, 1.0, 5.0, 1.0]))))
    >>> round(found.longest_mm), round(found.perpendicular_mm)
    (20, 4)
    """
    if not mask.data.any():
        return Diameters(0.0, 0.0, 0.0)
    longest, across = 0.0, 0.0
    for piece in sorted(_pieces(mask), key=lambda piece: -piece.bound_mm):
        if piece.bound_mm <= longest:
            break
        found, angle = _longest(piece)
        if found > longest:
            longest, across = found, _longest_line(piece, angle + 90.0)
    return Diameters(longest, across, longest * across)


def _longest(piece: _Piece) -> tuple[float, float]:
    """Return the longest line in a piece (mm) and its angle from the x axis (degrees)."""
    best = (0.0, 90.0)
    for step, reach in _TURNS_DEGREES:
        angles = best[1] + np.arange(-reach, reach + step / 2, step)
        best = max((_longest_line(piece, float(angle)), float(angle)) for angle in angles)
    return best


def _longest_line(piece: _Piece, angle_degrees: float) -> float:
    """Return the length (mm) of the longest line inside a piece in one direction."""
    size = piece.pixel_mm * piece.field.shape
    pixel, half = float(piece.pixel_mm.min()), float(np.linalg.norm(size)) / 2
    places = np.arange(-half, half, _STEP * pixel)
    direction = np.array([np.cos(np.radians(angle_degrees)), np.sin(np.radians(angle_degrees))])
    normal = np.array([-direction[1], direction[0]])
    # Pixels are measured from their centres.
    centre = (size - piece.pixel_mm) / 2
    points = centre[:, None, None] + direction[:, None, None] * places + normal[:, None, None] * places[:, None]
    share = ndimage.map_coordinates(piece.field, points / piece.pixel_mm[:, None, None], order=1)
    changes = np.diff(np.pad(share >= _EDGE, ((0, 0), (1, 1))).astype(np.int8), axis=1).ravel()
    runs = np.flatnonzero(changes == -1) - np.flatnonzero(changes == 1)
    return float(runs.max(initial=0)) * _STEP * pixel


def _pieces(mask: Image) -> Iterator[_Piece]:
    field = _axial(mask)
    pixel_mm = np.array(field.grid.spacing_mm[:2])
    for level in range(field.grid.shape[2]):
        plane = field.data[:, :, level]
        labels, _ = ndimage.label(plane >= _EDGE, np.ones((3, 3)))
        for index, box in enumerate(ndimage.find_objects(labels), start=1):
            around = tuple(slice(max(0, side.start - 1), side.stop + 1) for side in box)
            own = np.where((labels[around] == index) | (labels[around] == 0), plane[around], np.float32(0))
            yield _Piece(own, pixel_mm, _bound_mm(np.argwhere(labels[around] == index) * pixel_mm, pixel_mm))


def _bound_mm(centres: NDArray[np.float64], pixel_mm: NDArray[np.float64]) -> float:
    """Return the greatest distance of two pixels of a piece, from outer edge to outer edge."""
    try:
        centres = centres[ConvexHull(centres).vertices]
    except QhullError:
        # All pixels lie on one line, or there are fewer than three.
        centres = centres[[np.lexsort(centres.T)[0], np.lexsort(centres.T)[-1]]]
    return float(pdist(centres).max(initial=0.0) + np.linalg.norm(pixel_mm))


def _axial(mask: Image) -> Image:
    """Return the mask around its voxels with planes that are axial: as it is, or resampled where the grid is tilted."""
    box = box_around(mask.grid, mask.data, 0.0)
    start = np.array([side.start for side in box]) - 1
    voxels = np.pad(mask.data[box], 1).astype(np.float32)
    affine = mask.grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ start
    grid = Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), affine)
    if np.abs(affine[:3, :3] / grid.spacing_mm - np.eye(3)).max() < _ALIGNED:
        return Image(voxels, grid)
    upright = _upright(grid)
    there = np.linalg.inv(affine) @ upright.affine
    return Image(ndimage.affine_transform(voxels, there[:3, :3], there[:3, 3], upright.shape, order=1), upright)


def _upright(grid: Grid) -> Grid:
    """Return the grid along the axes of anatomy that holds another, with its smallest spacing on every axis.

    Around a few voxels it is finer, because between its points a single voxel would fade.
    """
    corners, spacing = grid.corners_mm(), min(grid.spacing_mm)
    if max(grid.shape) <= _FEW:
        spacing /= 4
    x, y, z = (int(n) for n in np.ceil(np.ptp(corners, axis=0) / spacing) + 1)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = corners.min(axis=0)
    return Grid((x, y, z), affine)
