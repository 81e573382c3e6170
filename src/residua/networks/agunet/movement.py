"""Move whole volumes as a variation says, with the axial plane and the axis along it apart.

A turn about z and a shift are one movement in the plane, the same for all slices, and one along z. So the neighbours of
each place in the plane are found once for all slices and channels. The values are those of
``scipy.ndimage.affine_transform``, which goes from voxel to voxel, to the rounding of 32 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from residua.networks.agunet.augmentation import Variation

Index = NDArray[np.intp]
Places = NDArray[np.float64]


class VolumeMovement:
    """The movement of volumes of ``shape`` (x, y, z) by a variation; it serves every channel of a sample.

    Voxels from outside the volume continue its border.
    """

    def __init__(self, shape: Sequence[int], variation: Variation) -> None:
        """Compute from where each voxel comes, in voxels of the flipped volume."""
        self._variation, self._shape = variation, tuple(shape)
        cosine, sine = np.cos(variation.angle), np.sin(variation.angle)
        rotation = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
        centre = (np.array(self._shape) - 1) / 2
        dx, dy, dz = centre - rotation @ (centre + np.array(variation.shift) * self._shape)
        i, j, k = (np.arange(n) for n in self._shape)
        places = (dx + i[:, None] * cosine - j * sine, dy + i[:, None] * sine + j * cosine, dz + k)
        self._x, self._y, self._z = (np.clip(p, 0, n - 1) for p, n in zip(places, self._shape, strict=True))

    def __call__(self, volume: NDArray[Any], is_label: bool) -> NDArray[Any]:
        """Return ``volume`` (x, y, z) moved: nearest neighbour for a label, linear otherwise."""
        if not self._variation.moves:
            return np.ascontiguousarray(np.flip(volume, self._variation.flipped))
        along = volume.reshape(-1, self._shape[2])
        moved = self._nearest(along) if is_label else self._linear(along.astype(np.float32, copy=False))
        return moved.reshape(self._shape)

    def _nearest(self, along: NDArray[Any]) -> NDArray[Any]:
        rows, columns = self._rows(_rounded(self._x), _rounded(self._y)), _rounded(self._z)
        return np.asarray(along[rows.ravel()][:, columns])

    def _linear(self, along: NDArray[np.float32]) -> NDArray[np.float32]:
        lower, upper, share = _neighbours(self._z)
        along = along[:, lower] * (1 - share) + along[:, upper] * share
        return np.asarray(self._in_plane @ along)

    @cached_property
    def _in_plane(self) -> csr_array:
        """Return the weights of the four neighbours (columns) of each place in the plane (rows)."""
        left, right, x_share = _neighbours(self._x)
        front, back, y_share = _neighbours(self._y)
        pairs = ((left, front), (left, back), (right, front), (right, back))
        shares = ((1 - x_share) * (1 - y_share), (1 - x_share) * y_share, x_share * (1 - y_share), x_share * y_share)
        rows = np.stack([self._rows(x, y) for x, y in pairs], axis=-1)
        number = self._x.size
        starts = np.arange(0, rows.size + 1, len(pairs))
        return csr_array((np.stack(shares, axis=-1).ravel(), rows.ravel(), starts), shape=(number, number))

    def _rows(self, x: Index, y: Index) -> Index:
        """Return the rows of places in the plane, flipped where asked, in a volume of one column per slice."""
        x, y = (
            n - 1 - places if axis in self._variation.flipped else places
            for axis, (places, n) in enumerate(zip((x, y), self._shape[:2], strict=True))
        )
        return np.asarray(x * self._shape[1] + y)


def _neighbours(places: Places) -> tuple[Index, Index, NDArray[np.float32]]:
    """Return the voxels below and above each place, and the share of the one above."""
    below = np.floor(places)
    return below.astype(np.intp), np.ceil(places).astype(np.intp), (places - below).astype(np.float32)


def _rounded(places: Places) -> Index:
    return np.floor(places + 0.5).astype(np.intp)
