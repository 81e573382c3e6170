"""Store one prepared channel of one patient: the cube, and its position on the reference grid."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from residua.images.volumes import Image
from residua.networks.cases import damaged
from residua.preparation.brain_crop import Crop

SUFFIX = ".npz"


def resized(volume: NDArray[Any], shape: tuple[int, ...], is_label: bool) -> NDArray[Any]:
    """Resize ``volume`` (x, y, z) to ``shape`` over the same extent, with nearest neighbour for a label.

    Images are interpolated linearly, and smoothed first where the grid becomes coarser.
    """
    if is_label:
        return np.asarray(resize(volume, shape, order=0, preserve_range=True, anti_aliasing=False)).astype(volume.dtype)
    return np.asarray(resize(volume, shape, order=1, mode="edge", preserve_range=True, anti_aliasing=True), np.float32)


@dataclass(frozen=True)
class Origin:
    """Origin of a cube: the crop of the reference grid, and that crop's shape at the network's spacing."""

    crop: Crop
    resampled_shape: tuple[int, int, int]

    def restore(self, cube: NDArray[np.float32]) -> Image:
        """Return the probabilities (x, y, z) of the cube on the reference grid, zero outside the crop."""
        there = resized(resized(cube, self.resampled_shape, is_label=False), self.crop.shape, is_label=False)
        return self.crop.restore(np.clip(there, 0.0, 1.0))


def resampled_shape(crop: Crop, spacing_mm: tuple[float, ...]) -> tuple[int, int, int]:
    """Return the number of voxels of the crop along x, y, z at ``spacing_mm``."""
    x, y, z = (
        max(round(n * own / wanted), 1)
        for n, own, wanted in zip(crop.shape, crop.grid.spacing_mm, spacing_mm, strict=True)
    )
    return x, y, z


def write_channel(cube: NDArray[Any], origin: Origin, out: Path) -> None:
    """Write a prepared channel (x, y, z) with its origin."""
    record = json.dumps({"crop": origin.crop.to_json(), "resampled_shape": origin.resampled_shape})
    np.savez(out, cube=cube, origin=np.array(record))


def read_cube(path: Path) -> NDArray[Any]:
    """Read a prepared channel (x, y, z). Raises ``DamagedStageError`` when the file is missing or cut off."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return np.asarray(stored["cube"])
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise damaged(path, error) from error


def read_stacked(paths: tuple[Path, ...]) -> NDArray[np.float32]:
    """Read the prepared channels of one case as (x, y, z, channels)."""
    return stacked([read_cube(path) for path in paths])


def stacked(cubes: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return cubes (x, y, z) of one case as (x, y, z, channels)."""
    return np.stack([cube.astype(np.float32, copy=False) for cube in cubes], axis=-1)


def read_origin(path: Path) -> Origin:
    """Read the origin of a prepared channel."""
    with np.load(path, allow_pickle=False) as stored:
        record = json.loads(str(stored["origin"]))
    x, y, z = record["resampled_shape"]
    return Origin(Crop.from_json(record["crop"]), (x, y, z))
