"""Load nnU-Net's batches in processes beside the training; where one of them fails, the training ends with the reason.

Batches reach the training through shared memory, which is a file system of limited size.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader

from residua.errors import ResiduaError
from residua.networks.nnunet.augmentation import LabelsApart
from residua.networks.nnunet.window import centre, next_move, spatial_step, used

_LONGEST = 2000


class PatchBatches(nnUNetDataLoader):  # type: ignore[misc]
    """nnU-Net's batches, which tell the training why one of them cannot be made."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take the arguments of nnU-Net's own class."""
        super().__init__(*arguments, **options)
        self._training = os.getpid()
        # A pipe needs no room in shared memory, want of which is among the reasons.
        self._told, self._tell = os.pipe()
        os.set_blocking(self._told, False)

    def get_bbox(self, data_shape: Any, *arguments: Any, **options: Any) -> tuple[list[int], list[int]]:
        """Return nnU-Net's choice of a patch, cut down to what the augmentation will use of it."""
        begin, end = super().get_bbox(data_shape, *arguments, **options)
        step = spatial_step(self.transforms, (LabelsApart,))
        if step is None:
            return begin, end
        size, patch, matrix = np.subtract(end, begin), step.patch_size, next_move(step)
        if matrix is None:
            first, last = centre(size, patch)
            return [int(n) for n in np.add(begin, first)], [int(n) for n in np.add(begin, last)]
        first, last = used(size, patch, matrix)
        # A patch that is moved keeps its size, on which its coordinates depend.
        self._data.read_only(np.add(begin, first), np.add(begin, last))
        return begin, end

    def generate_train_batch(self) -> dict[str, Any]:
        """Return the next batch; in a process of the loader it lies in shared memory already."""
        try:
            batch: dict[str, Any] = super().generate_train_batch()
            if os.getpid() != self._training:
                # Left to the queue, a batch that cannot be shared is dropped without an end.
                for tensor in _tensors(batch.values()):
                    tensor.share_memory_()
        except Exception as error:
            told = str(error) if isinstance(error, ResiduaError) else f"{type(error).__name__}: {error}"
            os.write(self._tell, f"{told}\n".encode()[:_LONGEST])
            raise
        return batch

    def reason(self) -> str:
        """Return why a batch could not be made, or that nothing is known."""
        try:
            return os.read(self._told, _LONGEST).decode(errors="replace").partition("\n")[0]
        except BlockingIOError:
            return "the process was ended from outside, such as for want of memory"


class Loader(NonDetMultiThreadedAugmenter):  # type: ignore[misc]
    """nnU-Net's processes that load batches, whose failure ends the training at once."""

    def __next__(self) -> Any:
        """Return a batch of any process. Raises ``ResiduaError`` with the reason when a process has failed."""
        try:
            return super().__next__()
        except RuntimeError as error:
            raise ResiduaError(f"a process that loads the training data failed: {self.generator.reason()}") from error


def start_loader(batches: PatchBatches, processes: int, cached: int, pinned: bool) -> Loader:
    """Return ``processes`` that make batches, of which at most ``cached`` wait in each of two queues."""
    return Loader(batches, None, processes, cached, seeds=None, pin_memory=pinned, wait_time=0.002)


def _tensors(values: Iterable[Any]) -> Iterable[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list):
            yield from _tensors(value)
