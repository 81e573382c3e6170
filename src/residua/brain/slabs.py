"""A head in slabs of axial slices, and the slabs' answers as one volume again (Bouget et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]


def normalised(head: Volume) -> Volume:
    """Zero mean and unit standard deviation over all voxels (x, y, z); a constant volume becomes zero."""
    spread = float(head.std(dtype=np.float64))
    centred = head - np.float32(head.mean(dtype=np.float64))
    return np.asarray(centred / np.float32(spread) if spread > 0 else np.zeros_like(head), np.float32)


def slab_starts(depth: int, thickness: int, step: int) -> list[int]:
    """The lowest slice of every slab of ``thickness`` slices, ``step`` apart, until all ``depth`` slices are covered.

    Raises ``ValueError`` for a step that would leave slices out.
    """
    if not 1 <= step <= thickness:
        raise ValueError(f"slabs of {thickness} slices cannot be {step} slices apart")
    return list(range(0, max(depth - thickness, 0) + step, step))


def slabs(volume: Volume, thickness: int, step: int) -> Iterator[tuple[int, Volume]]:
    """Every slab (x, y, ``thickness``) with its lowest slice; one that reaches over the top repeats the last slice."""
    depth = volume.shape[2]
    for start in slab_starts(depth, thickness, step):
        slab = volume[:, :, start : start + thickness]
        yield start, np.pad(slab, ((0, 0), (0, 0), (0, thickness - slab.shape[2])), mode="edge")


def fused(answers: Iterable[tuple[int, Volume]], shape: tuple[int, int, int]) -> Volume:
    """The volume of ``shape`` (x, y, z) whose voxels are the highest that any slab gives them; 0 where none reaches.

    ``answers`` come as from ``slabs``; what lies above the volume is padding and left out.
    """
    whole = np.zeros(shape, np.float32)
    for start, slab in answers:
        place = whole[:, :, start : start + slab.shape[2]]
        np.maximum(place, slab[:, :, : place.shape[2]], out=place)
    return whole
