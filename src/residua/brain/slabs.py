"""Split a head into slabs of axial slices, and fuse their probabilities into a volume (Bouget et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]

_WHOLE_LEVELS = 5


def normalised(head: Volume) -> Volume:
    """Return a volume of zero mean and unit standard deviation over all voxels (x, y, z); zero for a constant one."""
    spread = float(head.std(dtype=np.float64))
    centred = head - np.float32(head.mean(dtype=np.float64))
    return np.asarray(centred / np.float32(spread) if spread > 0 else np.zeros_like(head), np.float32)


def flat_levels(features: Sequence[int]) -> int:
    """Return how many of the first levels are halved in plane alone, given the filters of each level.

    Five levels are halved along all axes, as the article's. Any before them see slices as they are.
    """
    return max(len(features) - _WHOLE_LEVELS, 0)


def slab_starts(depth: int, thickness: int, step: int) -> list[int]:
    """Return the lowest slice of each slab of ``thickness`` slices, ``step`` apart, covering all ``depth`` slices.

    Raises ``ValueError`` for a step that would skip slices.
    """
    if not 1 <= step <= thickness:
        raise ValueError(f"slabs of {thickness} slices cannot be {step} slices apart")
    return list(range(0, max(depth - thickness, 0) + step, step))


def slabs(volume: Volume, thickness: int, step: int) -> Iterator[tuple[int, Volume]]:
    """Yield each slab (x, y, ``thickness``) with its lowest slice; beyond the top the last slice is repeated."""
    depth = volume.shape[2]
    for start in slab_starts(depth, thickness, step):
        slab = volume[:, :, start : start + thickness]
        yield start, np.pad(slab, ((0, 0), (0, 0), (0, thickness - slab.shape[2])), mode="edge")


def fused(answers: Iterable[tuple[int, Volume]], shape: tuple[int, int, int]) -> Volume:
    """Return the volume of ``shape`` (x, y, z), each slice from the slab in whose middle it lies; 0 outside all slabs.

    ``answers`` come as from ``slabs``; slices above the volume are padding and dropped.
    """
    whole, nearest_slices = np.zeros(shape, np.float32), np.full(shape[2], np.inf)
    for start, slab in answers:
        places = np.arange(start, min(start + slab.shape[2], shape[2]))
        from_middle = np.abs(places - start - (slab.shape[2] - 1) / 2)
        taken = places[from_middle < nearest_slices[places]]
        whole[:, :, taken] = slab[:, :, taken - start]
        nearest_slices[taken] = from_middle[taken - start]
    return whole
