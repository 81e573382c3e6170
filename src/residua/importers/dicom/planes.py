"""Find the pixels of a DICOM frame on a voxel grid, and points in mm on the plane of a frame."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import LPS, Grid
from residua.importers.dicom.frames import Frame

_OFF_VOXELS = 0.05
"""Further from a whole voxel than this, a frame is no slice of a grid."""


class OffGridError(ValueError):
    """The pixels of a frame are not voxels of a grid."""


def voxels_of(frame: Frame, grid: Grid) -> NDArray[np.intp]:
    """Return the voxel of a grid (row, column, 3) for each pixel of a frame; it may lie outside the grid.

    Raises ``OffGridError`` unless every pixel is a voxel.
    """
    if not (frame.position and frame.orientation and frame.pixel_mm and all(frame.size)):
        raise OffGridError
    rows, columns = (int(size or 0) for size in frame.size)
    row, down = np.array(frame.orientation[:3]), np.array(frame.orientation[3:])
    down_mm, row_mm = frame.pixel_mm
    to_corners = [0 * row, row * row_mm * (columns - 1), down * down_mm * (rows - 1)]
    to_index = np.linalg.inv(grid.affine) @ LPS
    index = nib.affines.apply_affine(to_index, np.add(frame.position, to_corners))
    first, last_column, last_row = np.rint(index).astype(int)
    # Between corners on whole voxels every voxel is whole, where a step is one voxel along one axis.
    by_column, by_row = (last_column - first) / max(columns - 1, 1), (last_row - first) / max(rows - 1, 1)
    one_by_one = all(sorted(np.abs(step)) == [0, 0, 1] for step in (by_column, by_row))
    if not one_by_one or np.abs(index - np.rint(index)).max() > _OFF_VOXELS:
        raise OffGridError
    steps = np.multiply.outer(np.arange(rows), by_row.astype(int))[:, None, :]
    steps = steps + np.multiply.outer(np.arange(columns), by_column.astype(int))[None, :, :]
    return np.asarray(first + steps, dtype=np.intp)


def inside(voxels: NDArray[np.intp], grid: Grid) -> bool:
    """Return whether all voxels lie within a grid."""
    return bool((voxels >= 0).all() and (voxels < grid.shape).all())


def on_plane(points: NDArray[np.float64], frame: Frame) -> NDArray[Any]:
    """Return points (n, 3; LPS+ mm) as column and row of a frame's pixels, and mm above its plane (n, 3)."""
    row, down = np.array(frame.orientation[:3]), np.array(frame.orientation[3:])
    down_mm, row_mm = frame.pixel_mm
    axes = np.stack([row / row_mm, down / down_mm, np.cross(row, down)])
    return np.asarray((points - np.array(frame.position)) @ axes.T)
