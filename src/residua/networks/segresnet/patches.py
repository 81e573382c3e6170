"""Draw patches of prepared cases. The seed, the epoch and a patch's number determine it, whichever process draws it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from residua.networks.cases import TrainingSet, require_same_shape
from residua.networks.dropout import dropped, drops
from residua.networks.segresnet.augmentation import PatchVariation
from residua.networks.segresnet.prepared import read_channel, read_stacked, shape_of
from residua.networks.segresnet.settings import SegResNetSettings

_MOST_VOXELS = 10_000
"""Of a patient's tumour voxels, that are kept in memory to draw from."""

Tumours = Mapping[str, NDArray[np.int64]]


def tumours_of(data: TrainingSet) -> Tumours:
    """Return the places (voxels, 3) of tumour in every patient, of a large tumour evenly thinned out."""
    found = {patient: np.argwhere(read_channel(path) > 0) for patient, path in data.references.items()}
    return {patient: voxels[:: -(-len(voxels) // _MOST_VOXELS) or 1] for patient, voxels in found.items()}


class WantedPatch(NamedTuple):
    """All that determines a patch: its patient, its number, the numbers of run and epoch, and whether it is varied."""

    patient: str
    number: int
    seed: tuple[int, ...]
    varied: bool


class Patches:
    """Patches (channels, x, y, z) with their reference standard (1, x, y, z), each by what determines it."""

    def __init__(
        self, data: TrainingSet, tumours: Tumours, settings: SegResNetSettings, variation: PatchVariation
    ) -> None:
        """Draw of the patients of ``data``, whose tumour lies where ``tumours`` says."""
        self._data, self._tumours, self._settings, self._variation = data, tumours, settings, variation

    @property
    def voxels(self) -> int:
        """Return the voxels of a patch."""
        return prod(self._settings.patch_size)

    @property
    def channels(self) -> int:
        """Return the number of channels."""
        return len(self._data.channels)

    def __getitem__(self, drawn: WantedPatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw a patch."""
        rng, patient = np.random.default_rng((*drawn.seed, drawn.number)), drawn.patient
        case, reference = self._data.cases[patient], self._data.references[patient]
        shape = shape_of(reference)
        require_same_shape(case.channels[0], shape_of(case.channels[0]), reference, shape)
        part = self._part(rng, patient, shape)
        channels, truth = self._padded(read_stacked(case.channels, part)), self._padded(read_stacked([reference], part))
        if not drawn.varied:
            return torch.from_numpy(channels), torch.from_numpy(truth)
        varied, target = self._variation(channels, truth, int(rng.integers(2**32)))
        if drops(self._data.channels):
            varied[dropped(self._data.channels, rng.random(len(varied)).tolist())] = 0
        return varied, target

    def _part(self, rng: np.random.Generator, patient: str, shape: tuple[int, ...]) -> tuple[slice, ...]:
        """Draw a patch around a tumour voxel or anywhere; a volume smaller than the patch is in it as a whole."""
        size, tumour = np.array(self._settings.patch_size), self._tumours[patient]
        around = rng.random() < self._settings.foreground_oversampling
        room = np.maximum(np.array(shape) - size, 0)
        corner = tumour[rng.integers(len(tumour))] - size // 2 if around and len(tumour) else rng.integers(room + 1)
        begin = np.clip(corner, 0, room)
        return tuple(slice(int(b), int(min(b + s, n))) for b, s, n in zip(begin, size, shape, strict=True))

    def _padded(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        missing = [size - n for size, n in zip(self._settings.patch_size, part.shape[1:], strict=True)]
        return np.pad(part, [(0, 0), *((each // 2, each - each // 2) for each in missing)])
