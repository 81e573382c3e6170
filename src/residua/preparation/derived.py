"""Compute a channel from two others that lie on one grid and hold the brain alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from residua.images import volumes
from residua.images.volumes import Image
from residua.preparation.brain_crop import mask_on
from residua.settings.channels import DerivedChannel


def derive(sources: Sequence[Path], brain: Path, how: DerivedChannel, out: Path) -> None:
    """Write the first image minus the second (NIfTI, float32), zero outside of the brain.

    ``sources`` are two images on the reference grid, or both on the target grid of a network, where those voxels are
    brain of which at least half lies in the mask. Raises ``ResiduaError`` when they lie on different grids.
    """
    first, second = map(volumes.load, sources)
    volumes.require_same_grid(second, first, str(sources[1]))
    mask = volumes.load_mask(brain)
    inside = mask.data if first.grid.same_as(mask.grid) else mask_on(first.grid, mask)
    minuend, subtrahend = (_normalised(image.data[inside], how) for image in (first, second))
    difference = np.zeros(first.grid.shape, dtype=np.float32)
    difference[inside] = minuend - subtrahend
    volumes.save(Image(difference, first.grid), out)


def _normalised(values: NDArray[np.float32], how: DerivedChannel) -> NDArray[np.float64]:
    exact = values.astype(np.float64)
    if how.normalise == "none" or not exact.size:
        return exact
    # One grey value throughout has no deviation: it becomes zero.
    return np.asarray((exact - exact.mean()) / (exact.std() or 1.0))
