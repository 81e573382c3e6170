"""Slices of a patient as small pictures in a row: axial, coronal and sagittal, in radiological orientation.

Volumes (x, y, z) are in RAS+ order, as ``images.volumes`` loads them. In a picture the patient's right is at the
left, and anterior at the left of a sagittal slice. All pictures of a row have one scale.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from scipy import ndimage

from residua.images.places import AXIAL, CORONAL, SAGITTAL
from residua.images.volumes import Box, Grid, box_around, ends_of

PLANES = (AXIAL, CORONAL, SAGITTAL)
HEIGHT_PX = 256
_MARGIN_MM = 15.0
_GAP_PX = 4
_TILE_PX = 32
_QUALITY = 68
_SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Places of the slices of a series between the ends of the brain."""

Strip = NDArray[np.uint8]
"""Rows and columns of grey values."""
Color = tuple[int, int, int]


@dataclass(frozen=True)
class View:
    """The slices of a row of pictures, as axis and level, within a box of the grid; the tallest has ``height_px``."""

    grid: Grid
    box: Box
    slices: tuple[tuple[int, int], ...]
    height_px: int = HEIGHT_PX

    def strip(self, volume: NDArray[Any]) -> Strip:
        """Put the slices of a volume (x, y, z; grey values 0 to 255 or booleans) side by side, as grey values."""
        sizes = [self._size_mm(axis) for axis, _ in self.slices]
        scale = self.height_px / max(height for _, height in sizes)
        row = Picture.new("L", (self._offset(sizes, len(sizes), scale) - _GAP_PX, self.height_px))
        for number, ((axis, level), (width, height)) in enumerate(zip(self.slices, sizes, strict=True)):
            grey = np.ascontiguousarray(_slice(volume, self.box, axis, level), dtype=np.uint8)
            # Bilinear resizing of Pillow averages over what it shrinks.
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            shown = Picture.fromarray(grey).resize(size, Picture.Resampling.BILINEAR)
            row.paste(shown, (self._offset(sizes, number, scale), (self.height_px - shown.height) // 2))
        return np.asarray(row)

    def _size_mm(self, axis: int) -> tuple[float, float]:
        across, down = (
            (self.box[other].stop - self.box[other].start) * self.grid.spacing_mm[other]
            for other in range(3)
            if other != axis
        )
        return across, down

    @staticmethod
    def _offset(sizes: Sequence[tuple[float, float]], number: int, scale: float) -> int:
        return sum(max(1, round(width * scale)) + _GAP_PX for width, _ in sizes[:number])


def _slice(volume: NDArray[Any], box: Box, axis: int, level: int) -> NDArray[Any]:
    within = tuple(slice(level, level + 1) if other == axis else box[other] for other in range(3))
    plane = volume[within].squeeze(axis)[::-1, ::-1].T
    return plane * np.uint8(255) if plane.dtype == bool else plane


def view_of(grid: Grid, box: Box, center: Sequence[int]) -> View:
    """Return the three planes through a voxel (x, y, z)."""
    return View(grid, box, tuple((axis, int(center[axis])) for axis in PLANES))


def series_of(grid: Grid, mask: NDArray[np.bool_], axis: int) -> View:
    """Return slices from one end of the brain to the other, on the whole grid: brain outside the mask is seen too."""
    whole = tuple(slice(0, size) for size in grid.shape)
    start, stop = ends_of(mask, axis)
    levels = [start + round(share * (stop - 1 - start)) for share in _SHARES]
    return View(grid, (whole[0], whole[1], whole[2]), tuple((axis, level) for level in levels), HEIGHT_PX // 2)


def around(grid: Grid, mask: NDArray[np.bool_]) -> Box:
    """Return the bounding box of a mask with a margin, within the grid; the whole grid for an empty mask."""
    return box_around(grid, mask, _MARGIN_MM)


def windowed(volume: NDArray[np.floating[Any]], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Scale to grey values 0 (black) to 255 between the limits; non-finite is black."""
    low, high = limits
    finite = np.nan_to_num(volume, nan=low, posinf=low, neginf=low)
    return np.asarray(np.clip((finite - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8))


def checkerboard(one: Strip, other: Strip) -> Strip:
    """Alternate tiles of two rows of pictures; where both agree, edges continue across the borders of tiles."""
    rows, columns = np.indices(one.shape) // _TILE_PX
    return np.where((rows + columns) % 2 == 0, one, other)


def outlined(strip: Strip, masks: Mapping[Color, Strip]) -> NDArray[np.uint8]:
    """Draw the outline of each mask in its colour on a row of pictures; returns rows, columns and RGB."""
    colored = np.repeat(strip[:, :, np.newaxis], 3, axis=2)
    for color, mask in masks.items():
        inside = mask > 127
        colored[inside & ~ndimage.binary_erosion(inside, border_value=1)] = color
    return colored


def stacked(*rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Stack rows of pictures, as wide as the widest; in colour if one of them is."""
    width = max(row.shape[1] for row in rows)
    color = any(row.ndim == 3 for row in rows)
    parts = []
    for row in rows:
        full = np.repeat(row[:, :, np.newaxis], 3, axis=2) if color and row.ndim == 2 else row
        parts.append(np.pad(full, ((0, _GAP_PX), (0, width - row.shape[1]), *([(0, 0)] if color else []))))
    return np.concatenate(parts)[:-_GAP_PX]


def embedded(picture: NDArray[np.uint8]) -> str:
    """Encode a picture as a JPEG in a data URI."""
    stream = io.BytesIO()
    Picture.fromarray(picture).save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
