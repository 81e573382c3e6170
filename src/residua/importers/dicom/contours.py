"""Fill the closed planar contours of an RTSTRUCT on the slices of the series on which they were drawn.

A pixel belongs to the structure when its centre lies inside by the even-odd rule over all contours of the slice, so a
contour within another is a hole; or when its centre lies on a contour, as programs write that join pixel centres.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.importers.dicom.elements import UnreadableError, text, values
from residua.importers.dicom.frames import Frame
from residua.importers.dicom.planes import inside, on_plane, voxels_of
from residua.importers.dicom.slices import slice_distance_mm

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_OFF_PLANE = 0.2
"""In slice distances: further from every slice than this, a contour was drawn on other planes."""
_SNAP = 0.02
"""In pixels: points so near a pixel centre are on it; files round to hundredths of a millimetre."""


class UndrawnError(Exception):
    """A structure that gives no mask; the message says why."""


def fill_regions(header: Any, region: int, frames: Sequence[Frame], mask: Any) -> None:
    """Set the voxels of a mask (an ``Image`` of booleans) that the contours of a region (ROI) enclose.

    ``frames`` are the slices of the series. Raises ``UndrawnError``, ``OffGridError``, ``UnreadableError``,
    and what pydicom raises for a damaged file.
    """
    of_slice: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    between = slice_distance_mm(frames) or 1.0
    for points in _contours(header, region):
        number, pixels = _on_slice(points, frames, between)
        # The same contour twice would be a hole in itself.
        if not any(np.array_equal(pixels, other) for other in of_slice[number]):
            of_slice[number].append(pixels)
    for number, contours in of_slice.items():
        rows, columns = (int(size or 0) for size in frames[number].size)
        voxels = voxels_of(frames[number], mask.grid)[filled(contours, rows, columns)]
        if not inside(voxels, mask.grid):
            raise UndrawnError("its contours reach outside the series")
        mask.data[tuple(voxels.T)] = True


def filled(contours: Iterable[NDArray[np.float64]], rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels (row, column) that closed contours (n, 2; column and row of each point) enclose.

    >>> square = np.array([[0.5, 0.5], [2.5, 0.5], [2.5, 2.5], [0.5, 2.5]])
    >>> filled([square], 4, 4).sum()
    np.int64(4)
    """
    odd, line = np.zeros((rows, columns), dtype=bool), np.zeros((rows, columns), dtype=bool)
    for contour in contours:
        whole = np.rint(contour)
        start = np.where(np.abs(contour - whole) < _SNAP, whole, contour)
        end = np.roll(start, -1, axis=0)
        odd ^= _enclosed(start, end, rows, columns)
        line |= _touched(start, end, rows, columns)
    return odd | line


def _enclosed(start: Any, end: Any, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels with an odd number of edges to their left."""
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    at = np.arange(rows)[:, None]
    row, edge = np.nonzero((low <= at) & (at < high))
    first = np.clip(np.floor(_crossing(start, end, row, edge)).astype(int) + 1, 0, columns)
    toggles = np.zeros((rows, columns + 1), dtype=int)
    np.add.at(toggles, (row, first), 1)
    return np.asarray(np.cumsum(toggles, axis=1)[:, :-1] % 2 == 1)


def _touched(start: Any, end: Any, rows: int, columns: int) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies on an edge."""
    found = np.zeros((rows, columns), dtype=bool)
    low, high = np.minimum(start, end), np.maximum(start, end)
    at = np.arange(rows)[:, None]
    level = low[:, 1] == high[:, 1]
    row, edge = np.nonzero((low[:, 1] <= at) & (at <= high[:, 1]) & ~level)
    column = _crossing(start, end, row, edge)
    whole = np.rint(column).astype(int)
    on = (np.abs(column - whole) < _SNAP) & (whole >= 0) & (whole < columns)
    found[row[on], whole[on]] = True
    for flat in np.flatnonzero(level & (low[:, 1] == np.rint(low[:, 1])) & (low[:, 1] >= 0) & (low[:, 1] < rows)):
        begin, stop = max(int(np.ceil(low[flat, 0])), 0), int(np.floor(high[flat, 0])) + 1
        found[int(low[flat, 1]), begin : max(stop, 0)] = True
    return found


def _crossing(start: Any, end: Any, row: Any, edge: Any) -> Any:
    """Return the column at which each edge crosses a row."""
    (x0, y0), (x1, y1) = start[edge].T, end[edge].T
    return x0 + (row - y0) * (x1 - x0) / (y1 - y0)


def _contours(header: Any, region: int) -> list[NDArray[np.float64]]:
    found = []
    for item in header.get("ROIContourSequence") or []:
        if text(item, "ReferencedROINumber") != str(region):
            continue
        for contour in item.get("ContourSequence") or []:
            kind = text(contour, "ContourGeometricType").upper()
            if kind not in _CLOSED:
                raise UndrawnError(f"it has a contour of the type {_known(kind)}, which encloses nothing")
            found.append(_points(contour))
    return found


def _known(kind: str) -> str:
    return kind if kind in ("POINT", "OPEN_PLANAR", "OPEN_NONPLANAR") else "unknown"


def _points(contour: Any) -> NDArray[np.float64]:
    try:
        points = np.array([float(value) for value in values(contour, "ContourData")])
        if not np.isfinite(points).all() or len(points) == 0 or len(points) % 3:
            raise ValueError
    except ValueError:
        raise UnreadableError("ContourData of a contour are not points of three numbers") from None
    return points.reshape(-1, 3)


def _on_slice(
    points: NDArray[np.float64], frames: Sequence[Frame], between_mm: float
) -> tuple[int, NDArray[np.float64]]:
    """Return the slice on which a contour was drawn, and its points as column and row. Raises ``UndrawnError``."""
    heights = [on_plane(points, frame)[:, 2] for frame in frames]
    number = int(np.argmin([np.abs(height).max() for height in heights]))
    if np.abs(heights[number]).max() <= _OFF_PLANE * between_mm:
        pixels = on_plane(points, frames[number])[:, :2]
        rows, columns = (int(size or 0) for size in frames[number].size)
        if (pixels < -1).any() or (pixels > (columns, rows)).any():
            raise UndrawnError("its contours reach outside the series")
        return number, pixels
    if np.ptp(heights[0]) > _OFF_PLANE * between_mm:
        raise UndrawnError("its contours do not lie in the planes of the slices: they were drawn on another series")
    off = min(abs(float(np.mean(height))) for height in heights)
    raise UndrawnError(f"a contour lies {off:.2g} mm off the nearest slice (slices are {between_mm:.3g} mm apart)")
