"""Axial slices in radiological orientation: the patient's right at the left of the picture, anterior at the top.

Volumes (x, y, z) are in RAS+ order, as ``images.volumes`` loads them. A picture is an array of rows and columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import ends_of


@dataclass(frozen=True)
class FieldOfView:
    """The part of a picture to show, in mm from its upper left corner: centre (column, row) and size."""

    centre_mm: tuple[float, float]
    width_mm: float
    height_mm: float


def picture(volume: NDArray[Any], level: int) -> NDArray[Any]:
    """Return the axial slice ``level``: rows from anterior to posterior, each from the patient's right to the left."""
    return plane(volume, 2, level)


def plane(volume: NDArray[Any], axis: int, level: int) -> NDArray[Any]:
    """Return the slice ``level`` across an axis (x: sagittal, y: coronal, z: axial), superior or anterior at the top.

    A sagittal slice has anterior at the left.
    """
    # A copy, so that the volume need not stay in memory.
    return np.array(volume.take(level, axis)[::-1, ::-1].T, order="C")


def busiest_level(mask: NDArray[np.bool_]) -> int:
    """Return the axial slice with the most voxels of the mask, the lowest of equal ones; the middle if empty."""
    area = mask.sum(axis=(0, 1))
    return int(area.argmax()) if area.any() else mask.shape[2] // 2


def field_around(shown: NDArray[np.bool_], pixel_mm: tuple[float, float], margin_mm: float) -> FieldOfView:
    """Return the smallest field with all pixels of ``shown`` (a picture) and a margin; the whole of an empty picture.

    ``pixel_mm`` is the size of a pixel along columns (across) and rows (down).
    """
    down, across = ([end * pixel_mm[1 - axis] for end in ends_of(shown, axis)] for axis in (0, 1))
    return FieldOfView(
        centre_mm=(sum(across) / 2, sum(down) / 2),
        width_mm=across[1] - across[0] + 2 * margin_mm,
        height_mm=down[1] - down[0] + 2 * margin_mm,
    )


def resized(field: FieldOfView, width_mm: float, height_mm: float) -> FieldOfView:
    """Change the size around the same centre."""
    return FieldOfView(field.centre_mm, width_mm, height_mm)
