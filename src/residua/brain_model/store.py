"""Keep training slabs in files that a training maps into memory instead of reading them whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from residua.errors import ResiduaError

VALUES, BRAINS = "values.npy", "brains.npy"
"""Normalised slabs (slab, x, y, z), and their brains."""


def write_slabs(slabs: Sequence[tuple[NDArray[np.float32], NDArray[np.uint8]]], out: Path) -> None:
    """Write slabs (x, y, z) and their brains into the folder ``out``; 16 bits are enough for what noise blurs."""
    values, brains = zip(*slabs, strict=True)
    limit = np.float32(np.finfo(np.float16).max)
    np.save(out / VALUES, np.clip(np.stack(values), -limit, limit).astype(np.float16))
    np.save(out / BRAINS, np.stack(brains).astype(np.uint8))


class StoredSlabs:
    """The slabs of several folders, in their order."""

    def __init__(self, folders: Sequence[Path], shape: tuple[int, int, int]) -> None:
        """Open the files. Raises ``ResiduaError`` where one is missing, damaged or of slabs of another ``shape``."""
        self._parts = [(_opened(folder / VALUES, shape), _opened(folder / BRAINS, shape)) for folder in folders]
        self._places = [(part, n) for part, (values, _) in enumerate(self._parts) for n in range(len(values))]

    def __len__(self) -> int:
        """Return the number of slabs."""
        return len(self._places)

    def __getitem__(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return a slab (x, y, z) and its brain."""
        part, n = self._places[number]
        values, brains = self._parts[part]
        return np.asarray(values[n], np.float32), np.asarray(brains[n])


def numbers_of_epoch(count: int, wanted: int, seed: int, epoch: int) -> list[int]:
    """Return the slabs of an epoch: each of ``count`` slabs comes once before any comes again.

    >>> sorted(numbers_of_epoch(4, 2, seed=1, epoch=0) + numbers_of_epoch(4, 2, seed=1, epoch=1))
    [0, 1, 2, 3]
    """
    first = epoch * wanted
    rounds = range(first // count, (first + wanted - 1) // count + 1)
    order = np.concatenate([np.random.default_rng((seed, each)).permutation(count) for each in rounds])
    begin = first - rounds.start * count
    return [int(number) for number in order[begin : begin + wanted]]


def _opened(file: Path, shape: tuple[int, int, int]) -> NDArray[np.generic]:
    try:
        opened = np.load(file, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ResiduaError(f"{file}: these slabs cannot be read ({error}); make them again") from error
    if opened.shape[1:] != shape:
        raise ResiduaError(f"{file}: holds slabs of {opened.shape[1:]} voxels, and the training takes {shape}")
    return np.asanyarray(opened)
