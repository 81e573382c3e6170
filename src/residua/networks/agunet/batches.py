"""Serve batches of prepared cases to Keras.

The seed and the epoch determine the order and the variations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from residua.networks.agunet.augmentation import draw_variation
from residua.networks.agunet.framework import keras
from residua.networks.agunet.movement import VolumeMovement
from residua.networks.agunet.prepared import read_cube, stacked
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.cases import TrainingSet
from residua.networks.dropout import dropped, drops

Heads = tuple[NDArray[np.float32], ...]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of ``patients``: volumes (batch, x, y, z, channels) and a one-hot target for every head.

    ``steps`` are each head's strides into the full target. With a ``seed`` (numbers of the run and the epoch) order and
    samples vary; without one, neither does.
    """

    def __init__(
        self,
        data: TrainingSet,
        patients: Sequence[str],
        steps: Sequence[tuple[int, ...]],
        settings: AGUNetSettings,
        seed: tuple[int, ...] | None = None,
        workers: int = 1,
    ) -> None:
        """Draw the order of the patients."""
        super().__init__(workers=workers)
        self._data, self._steps, self._settings, self._seed = data, steps, settings, seed
        self._patients = list(patients)
        self.failed: Exception | None = None
        if seed is not None:
            self._patients = list(np.random.default_rng(seed).permutation(self._patients))

    def __len__(self) -> int:
        """Return the number of batches of one epoch."""
        return -(-len(self._patients) // self._settings.batch_size)

    def patients_of(self, index: int) -> list[str]:
        """Return the patients of batch number ``index``."""
        return [self._patients[number] for number in self._numbers(index)]

    def _numbers(self, index: int) -> range:
        size = self._settings.batch_size
        return range(index * size, min((index + 1) * size, len(self._patients)))

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], Heads]:
        """Return batch number ``index``; keep the error with which it cannot be read."""
        try:
            samples = [self._sample(number) for number in self._numbers(index)]
        except Exception as error:
            self.failed = error
            raise
        volumes, targets = (np.stack(parts) for parts in zip(*samples, strict=True))
        one_hot = np.stack([1 - targets, targets], axis=-1).astype(np.float32)
        return volumes, tuple(one_hot[:, ::x, ::y, ::z] for x, y, z in self._steps)

    def _sample(self, number: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        patient = self._patients[number]
        channels = [read_cube(path) for path in self._data.cases[patient].channels]
        target = read_cube(self._data.references[patient])
        if self._seed is None:
            return stacked(channels), target
        # Drawn per sample, so that the result does not depend on the worker.
        rng = np.random.default_rng((*self._seed, number))
        moved = VolumeMovement(target.shape, draw_variation(rng, self._settings))
        volume = stacked([moved(c, of.is_label) for c, of in zip(channels, self._data.channels, strict=True)])
        if drops(self._data.channels):
            volume[..., dropped(self._data.channels, rng.random(len(channels)).tolist())] = 0
        return volume, moved(target, is_label=True)
