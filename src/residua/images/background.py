"""Find the constant that surrounds what a stripped scan shows, and what it surrounds.

A scan that was stripped elsewhere has one value outside the brain: 0, the lowest value after a normalisation, or any
other. That value may occur inside the brain too, and a second constant may lie around the first where a stripped scan
was moved to another grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.components import Mask
from residua.images.volumes import Grid, Image, box_around

Volume = NDArray[np.floating[Any]]

_FEWEST, _FEWEST_MORE = 0.25, 0.05
"""Share of the voxels on the faces of a scan that have one value if it is background; of each further constant."""
_MOST = 0.5
"""Share of a further constant among the remaining voxels on the faces, or of those beside a known constant."""
_EDGE_VOXELS = 2
_ROUNDING = 1e-3
"""Of the spread of the values: how far resampling leaves a voxel from the constant."""
_MOSTLY = 0.9
_CLOSED_MM = 3.0
"""Half the width of the gaps that are closed."""
_SMALLEST_PIECE = 0.01
"""Of the largest piece: a smaller one is no part of the brain."""
_COARSE_MM = 2.0
_STRIPPED_ML = (400.0, 2000.0)
"""Of a brain in the skull. A head without its brain removed has 2500 ml and more, unless the scan cuts it."""


def background_of(volume: Volume) -> Mask:
    """Return the voxels (x, y, z) with the value of the background, wherever they lie; none where it is not constant.

    >>> volume = np.full((5, 5, 5), -0.75)
    >>> volume[1:4, 1:4, 1:4] = np.arange(27.0).reshape(3, 3, 3)
    >>> int(background_of(volume).sum())
    98
    """
    outside = np.zeros(volume.shape, dtype=bool)
    faces = np.ones_like(outside)
    faces[1:-1, 1:-1, 1:-1] = False
    value, share = _commonest(volume[faces])
    if share < _FEWEST:
        return outside
    fewest = _FEWEST_MORE * faces.sum()
    while share > _MOST or not outside.any():
        outside |= _equal(volume, value)
        beside = faces & ~outside
        if beside.sum() < fewest or _commonest(volume[beside])[1] <= _MOST:
            beside = ~outside & ndimage.maximum_filter(outside, 1 + 2 * _EDGE_VOXELS)
        value, share = _commonest(volume[beside])
    return outside


def _equal(volume: Volume, value: float) -> Mask:
    """Return where a volume has a value; where few have just this value, resampling left others close to it."""
    distance = np.abs(volume - value)
    same, close = distance == 0, distance <= _ROUNDING * np.percentile(distance.ravel()[::7], 99.5)
    return np.asarray(same if same.sum() > _MOSTLY * close.sum() else close)


def _commonest(values: Volume) -> tuple[float, float]:
    """Return the commonest value and its share; the share is 0 without values."""
    if not values.size:
        return 0.0, 0.0
    found, counts = np.unique(values, return_counts=True)
    most = counts.argmax()
    return float(found[most]), float(counts[most] / values.size)


def body_of(image: Image) -> Mask:
    """Return what the background of an image (x, y, z) surrounds: closed, its holes filled, without crumbs.

    Everything, where the background is not constant.

    >>> volume = np.full((9, 9, 9), -0.75)
    >>> volume[2:7, 2:7, 2:7] = np.arange(125.0).reshape(5, 5, 5)
    >>> volume[4, 4, 4] = -0.75
    >>> int(body_of(Image(volume, Grid(volume.shape, np.eye(4)))).sum())
    125
    """
    shown = _without_crumbs(~background_of(image.data))
    if not shown.any():
        return shown
    box = box_around(image.grid, shown, 0.0)
    body = np.zeros_like(shown)
    body[box] = ndimage.binary_fill_holes(_closed(shown[box], image.grid.spacing_mm))
    return body


def _without_crumbs(shown: Mask) -> Mask:
    pieces, number = ndimage.label(shown, np.ones((3, 3, 3)))
    if number < 2:
        return shown
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    kept = sizes >= _SMALLEST_PIECE * sizes.max()
    return np.asarray(kept[pieces])


def _closed(shown: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    # Separable, and so fast on fine scans, unlike a ball.
    reach = [round(_CLOSED_MM / mm) for mm in spacing_mm]
    grown = ndimage.maximum_filter(np.pad(shown, [(n, n) for n in reach]), [1 + 2 * n for n in reach])
    closed = ndimage.minimum_filter(grown, [1 + 2 * n for n in reach])
    x, y, z = (slice(n, n + size) for n, size in zip(reach, shown.shape, strict=True))
    return np.asarray(closed[x, y, z])


def looks_stripped(image: Image) -> bool:
    """Return whether an image (x, y, z) shows a brain alone: a constant surrounds no more than a brain can fill.

    >>> volume = np.zeros((80, 80, 80), np.float32)
    >>> looks_stripped(Image(volume, Grid(volume.shape, np.diag([3.0, 3.0, 3.0, 1.0]))))
    False
    >>> volume[20:60, 20:60, 25:55] = np.arange(48000.0).reshape(40, 40, 30)
    >>> looks_stripped(Image(volume, Grid(volume.shape, np.diag([3.0, 3.0, 3.0, 1.0]))))
    True
    """
    coarse = _thinned(image)
    body = body_of(coarse)
    low, high = _STRIPPED_ML
    return not body.all() and low <= float(body.sum() * coarse.grid.voxel_ml) <= high


def _thinned(image: Image) -> Image:
    x, y, z = (max(1, round(_COARSE_MM / mm)) for mm in image.grid.spacing_mm)
    data = np.nan_to_num(image.data[::x, ::y, ::z])
    a, b, c = data.shape
    return Image(data, Grid((a, b, c), image.grid.affine @ np.diag([x, y, z, 1.0])))
