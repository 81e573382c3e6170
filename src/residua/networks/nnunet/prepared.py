"""Store one prepared channel of one patient as a compressed array that can be read patch by patch.

Every channel is a file of its own. A training stacks its channels when it reads them, without copies, and a changed
sequence affects only the trainings that use it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import blosc2
import numpy as np
from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params
from numpy.typing import NDArray

from residua.networks.cases import damaged, require_same_shape
from residua.preparation.brain_crop import Crop

SUFFIX = ".b2nd"
OUTSIDE = -1
"""In a prepared label: outside the brain. nnU-Net keeps its augmentation from painting noise where this stands."""
STEP = 2.0**-18
"""Between two grey values of a prepared image, in sd: a thousandth of the step between two values of most scanners."""
_ORIGIN, _CROP, _SHAPE = "origin", "crop", "shape_before_resampling"


def write_channel(prepared: NDArray[Any], crop: Crop, shape: list[int], patch: list[int], out: Path) -> None:
    """Write a prepared channel (1, z, y, x), chunked for patches (z, y, x), with its ``crop`` and the crop's shape.

    Grey values are rounded to a ``STEP``. Their last digits are noise of the interpolation, which nothing compresses,
    as is what the splines leave outside of the brain: together they were more than half of a file.
    """
    if np.issubdtype(prepared.dtype, np.floating):
        prepared = (np.rint(prepared / STEP) * STEP).astype(prepared.dtype)
    blocks, chunks = comp_blosc2_params(prepared.shape, patch, prepared.itemsize)
    out.unlink(missing_ok=True)
    stored = blosc2.asarray(
        np.ascontiguousarray(prepared),
        urlpath=str(out),
        chunks=chunks,
        blocks=blocks,
        cparams={"codec": blosc2.Codec.ZSTD, "clevel": 5, "nthreads": 1},
    )
    stored.schunk.vlmeta[_ORIGIN] = {_CROP: crop.to_json(), _SHAPE: shape}


def opened(path: Path) -> blosc2.NDArray:
    """Open a prepared channel (1, z, y, x), which is read from disk only where it is indexed.

    Raises ``DamagedStageError`` when the file is missing or cut off.
    """
    try:
        return _opened(path)
    except (OSError, RuntimeError, ValueError) as error:
        raise damaged(path, error) from error


def _opened(path: Path) -> blosc2.NDArray:
    return blosc2.open(urlpath=str(path), mode="r", mmap_mode="r", dparams={"nthreads": 1})


def geometry(path: Path) -> tuple[Crop, list[int]]:
    """Return the crop from which a prepared channel was made, and the crop's shape (z, y, x) before resampling."""
    stored = opened(path)
    origin = stored.schunk.vlmeta[_ORIGIN]
    return Crop.from_json(origin[_CROP]), list(origin[_SHAPE])


def xyz(stored: Any) -> tuple[int, ...]:
    """Return the voxels of an array (channels, z, y, x) along x, y, z."""
    return tuple(reversed(stored.shape[1:]))


class StackedChannels:
    """Channels of one case as one array (channels, z, y, x) for nnU-Net's loader, read when indexed."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        """Open the channels."""
        self._paths, self._channels = paths, [opened(path) for path in paths]
        self.shape = (len(paths), *self._channels[0].shape[1:])
        self.window: tuple[slice, ...] | None = None
        for path, channel in zip(paths[1:], self._channels[1:], strict=True):
            require_same_shape(paths[0], xyz(self._channels[0]), path, xyz(channel))

    def __getitem__(self, index: tuple[slice, ...]) -> NDArray[np.float32]:
        """Read a part of the channels (channels, z, y, x); outside ``window`` it is zero."""
        rows, place = range(len(self._channels))[index[0]], index[1:]
        if self.window is None:
            return self._read(rows, place)
        bounds = [part.indices(size)[:2] for part, size in zip(place, self.shape[1:], strict=True)]
        whole = np.zeros((len(rows), *(max(end - begin, 0) for begin, end in bounds)), np.float32)
        inside = [
            (max(begin, part.start), min(end, part.stop))
            for (begin, end), part in zip(bounds, self.window, strict=True)
        ]
        if all(begin < end for begin, end in inside):
            there = tuple(slice(n - first, m - first) for (n, m), (first, _) in zip(inside, bounds, strict=True))
            whole[(slice(None), *there)] = self._read(rows, tuple(slice(*each) for each in inside))
        return whole

    def _read(self, rows: range, place: tuple[slice, ...]) -> NDArray[np.float32]:
        parts = [self._part(row, place) for row in rows]
        # A label has no value for outside where it is an input.
        parts = [np.maximum(part, 0) if part.dtype == np.int8 else part for part in parts]
        return np.concatenate(parts).astype(np.float32)

    def _part(self, row: int, place: tuple[slice, ...]) -> NDArray[Any]:
        try:
            return np.asarray(self._channels[row][(slice(0, 1), *place)])
        except (OSError, RuntimeError, ValueError) as error:
            raise damaged(self._paths[row], error) from error
