"""Load batches of patches, in processes beside the training where the job has threads for them.

The processes stay from the first epoch to the last, training and validation share them, and each patch is asked for by
all that determines it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import torch
from torch.utils.data import DataLoader, Dataset, default_collate

from residua.errors import ResiduaError
from residua.networks.segresnet.patches import Patches, WantedPatch
from residua.networks.shared_memory import require_room

Batch = tuple[torch.Tensor, torch.Tensor]


class _Told(Dataset):  # type: ignore[misc]
    """Patches, or the error in place of one: PyTorch would bury its message in the trace of a loading process."""

    def __init__(self, patches: Patches) -> None:
        self._patches = patches

    def __getitem__(self, drawn: WantedPatch) -> Batch | ResiduaError:
        try:
            return self._patches[drawn]
        except ResiduaError as error:
            return error


class _NextPass:
    """The batches of the next pass, which PyTorch asks for when it begins."""

    def __init__(self) -> None:
        self.batches: list[Sequence[WantedPatch]] = []

    def __iter__(self) -> Iterator[list[WantedPatch]]:
        return iter([list(batch) for batch in self.batches])


class PatchLoader:
    """Loads batches; a context at whose end its processes end."""

    def __init__(self, patches: Patches, size: int, device: torch.device) -> None:
        """Load batches of ``size`` patches for ``device``.

        Raises ``ResiduaError`` when shared memory has no room for the batches that wait.
        """
        processes = int(os.environ.get("OMP_NUM_THREADS", "1")) - 1
        if processes:
            # Two wait for each process, as PyTorch has it, one is made in each, and two are at the training.
            require_room(size * patches.voxels, patches.channels, 3 * processes + 2)
        self._asked, self._size, self._device = _NextPass(), size, device
        self._loader = DataLoader(
            _Told(patches),
            batch_sampler=self._asked,
            num_workers=processes,
            persistent_workers=processes > 0,
            collate_fn=_collated,
            pin_memory=device.type == "cuda",
            # Numbers that PyTorch draws for its processes must not be missing in a training that was resumed.
            generator=torch.Generator(),
        )

    def batches(self, wanted: Sequence[WantedPatch]) -> Iterator[tuple[Sequence[WantedPatch], Batch]]:
        """Yield what is ``wanted`` batch by batch: channels and reference standards (patches, channels or 1, x, y, z).

        Raises ``ResiduaError`` when a patch cannot be read.
        """
        self._asked.batches = [wanted[first : first + self._size] for first in range(0, len(wanted), self._size)]
        for drawn, batch in zip(self._asked.batches, self._loader, strict=True):
            if isinstance(batch, ResiduaError):
                raise batch
            channels, truth = (part.to(self._device, non_blocking=True) for part in batch)
            yield drawn, (channels, truth)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the processes: PyTorch would wait for each of them until it ends by itself."""
        running = getattr(self._loader, "_iterator", None)
        if running is not None:
            running._shutdown_workers()


def _collated(samples: Sequence[Batch | ResiduaError]) -> Any:
    failed = next((sample for sample in samples if isinstance(sample, ResiduaError)), None)
    return default_collate(list(samples)) if failed is None else failed
