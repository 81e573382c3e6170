"""Load batches of patches, in processes beside the training where the job has threads for them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from residua.errors import ResiduaError
from residua.networks.segresnet.patches import Patches
from residua.networks.shared_memory import require_room

Batch = tuple[torch.Tensor, torch.Tensor]


class _Told(Dataset):  # type: ignore[misc]
    """Patches, or the error in place of one: PyTorch would bury its message in the trace of a loading process."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches

    def __len__(self) -> int:
        return len(self._patches)

    def __getitem__(self, number: int) -> Batch | ResiduaError:
        try:
            return self._patches[number]
        except ResiduaError as error:
            return error


def batches(patches: Patches, size: int, device: torch.device) -> Iterator[Batch]:
    """Yield channels and reference standards (patches, channels or 1, x, y, z) of all patches in their order.

    Raises ``ResiduaError`` when a patch cannot be read, or shared memory has no room for the batches that wait.
    """
    on_card = device.type == "cuda"
    processes = int(os.environ.get("OMP_NUM_THREADS", "1")) - 1
    if processes:
        # Two wait for each process, as PyTorch has it, one is made in each, and two are at the training.
        require_room(size * patches.voxels, patches.channels, 3 * processes + 2)
    loader = DataLoader(_Told(patches), size, num_workers=processes, collate_fn=_collated, pin_memory=on_card)
    for batch in loader:
        if isinstance(batch, ResiduaError):
            raise batch
        channels, truth = (part.to(device, non_blocking=True) for part in batch)
        yield channels, truth


def _collated(samples: Sequence[Batch | ResiduaError]) -> Any:
    failed = next((sample for sample in samples if isinstance(sample, ResiduaError)), None)
    return default_collate(list(samples)) if failed is None else failed
