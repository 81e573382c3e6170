"""Serve batches of stored slabs to Keras; the seed and the epoch determine which, and their variation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from residua.brain_model.store import StoredSlabs
from residua.brain_model.variation import varied
from residua.networks.agunet.framework import keras

_A_FEW = 8


class SlabBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of slabs (batch, x, y, z, 1) with a one-hot target for every head (strides ``steps``)."""

    def __init__(
        self,
        slabs: StoredSlabs,
        numbers: Sequence[int],
        batch_size: int,
        steps: Sequence[tuple[int, ...]],
        seed: tuple[int, ...] | None = None,
        crop: tuple[int, int, int] | None = None,
    ) -> None:
        """Serve the slabs of these ``numbers``; with a seed, each of them varied.

        With ``crop`` a part of that many voxels stands for each slab; without a seed its place is that of the number.
        """
        super().__init__(workers=1)
        self._slabs, self._numbers, self._size = slabs, list(numbers), batch_size
        self._steps, self._seed, self._crop = steps, seed, crop
        self.failed: Exception | None = None

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self._numbers) // self._size)

    def patients_of(self, index: int) -> list[str]:
        """Return the slabs of batch number ``index`` by their number."""
        return [f"slab {number}" for number in self._numbers[index * self._size : (index + 1) * self._size]]

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """Return batch number ``index``."""
        places = range(index * self._size, min((index + 1) * self._size, len(self._numbers)))
        values, brains = (np.stack(parts) for parts in zip(*map(self._sample, places), strict=True))
        one_hot = np.stack([1 - brains, brains], axis=-1).astype(np.float32)
        return values[..., None], tuple(one_hot[:, ::x, ::y, ::z] for x, y, z in self._steps)

    def _sample(self, place: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        values, brain = self._slabs[self._numbers[place]]
        if self._crop:
            drawn = np.random.default_rng((*(self._seed or ()), place, 1))
            starts = [drawn.integers(n - part + 1) for n, part in zip(values.shape, self._crop, strict=True)]
            part = tuple(slice(start, start + n) for start, n in zip(starts, self._crop, strict=True))
            values, brain = values[part], brain[part]
        if self._seed is None:
            return values, brain
        return varied(values, brain, np.random.default_rng((*self._seed, place)))


def a_few(slabs: StoredSlabs, crop: tuple[int, int, int] | None) -> NDArray[np.float32]:
    """Return some slabs (batch, x, y, z, 1), or their parts, from which statistics can be taken."""
    numbers = range(0, len(slabs), -(-len(slabs) // _A_FEW))
    return SlabBatches(slabs, numbers, _A_FEW, [], crop=crop)[0][0]
