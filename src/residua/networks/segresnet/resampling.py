"""Resize volumes by MONAI over the same extent, as ``Crop.divided`` divides it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.transforms import Resize
from numpy.typing import NDArray


def resized(volume: NDArray[Any], shape: Sequence[int], is_label: bool) -> NDArray[Any]:
    """Resize ``volume`` (x, y, z) to ``shape``, with nearest neighbour for a label.

    Images are interpolated linearly, and smoothed first where the grid becomes coarser.
    """
    if volume.shape == tuple(shape):
        return volume
    resize = Resize(shape, mode="nearest-exact") if is_label else Resize(shape, mode="trilinear", anti_aliasing=True)
    made = resize(torch.from_numpy(np.ascontiguousarray(volume, dtype=np.float32))[None])
    return np.asarray(made[0]).astype(volume.dtype)
