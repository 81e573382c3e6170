"""Store one prepared channel of one patient as a tensor that can be read patch by patch, with its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from residua.networks.cases import damaged, require_same_shape
from residua.preparation.brain_crop import Crop

SUFFIX = ".safetensors"
_CHANNEL, _CROP = "channel", "crop"
_WHOLE = (slice(None),) * 3

Part = tuple[slice, ...]


def write_channel(channel: NDArray[Any], crop: Crop, out: Path) -> None:
    """Write a prepared channel (x, y, z) with the crop from which it was made."""
    save_file({_CHANNEL: np.ascontiguousarray(channel)}, out, metadata={_CROP: json.dumps(crop.to_json())})


def shape_of(path: Path) -> tuple[int, ...]:
    """Return the voxels of a prepared channel along x, y, z. Raises ``DamagedStageError`` when it cannot be read."""
    try:
        with safe_open(path, framework="numpy") as stored:
            return tuple(stored.get_slice(_CHANNEL).get_shape())
    except (OSError, SafetensorError) as error:
        raise damaged(path, error) from error


def read_channel(path: Path, part: Part = _WHOLE) -> NDArray[Any]:
    """Read a prepared channel (x, y, z), or a part of it. Raises ``DamagedStageError`` when it cannot be read."""
    try:
        with safe_open(path, framework="numpy") as stored:
            return np.asarray(stored.get_slice(_CHANNEL)[part])
    except (OSError, SafetensorError) as error:
        raise damaged(path, error) from error


def read_stacked(paths: Sequence[Path], part: Part = _WHOLE) -> NDArray[np.float32]:
    """Read the prepared channels of one case, or a part of them, as (channels, x, y, z).

    Raises ``DamagedStageError`` when one cannot be read, or they are not of one grid.
    """
    first = shape_of(paths[0])
    for path in paths[1:]:
        require_same_shape(paths[0], first, path, shape_of(path))
    return np.stack([read_channel(path, part) for path in paths]).astype(np.float32)


def read_crop(path: Path) -> Crop:
    """Read from which crop a channel was made."""
    with safe_open(path, framework="numpy") as stored:
        return Crop.from_json(json.loads(stored.metadata()[_CROP]))
