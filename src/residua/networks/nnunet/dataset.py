"""Give nnU-Net's loader the study's prepared channels."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
import torch
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetBaseDataset

from residua.networks.cases import PreparedCase, require_same_shape
from residua.networks.nnunet.prepared import StackedChannels, opened, xyz

_PR_SET_PDEATHSIG = 1
_MALLOPT = {-3: 32 << 20, -1: 512 << 20, -2: 64 << 20}
"""Of glibc: blocks up to this size (the largest allowed) are of the heap, so much of it stays, it grows by so much."""


class StackedDataset(nnUNetBaseDataset):  # type: ignore[misc]
    """Prepared cases in the form of nnU-Net's datasets, each with its reference standard and its tumour voxels."""

    def __init__(self, cases: Mapping[str, PreparedCase], references: Mapping[str, Path]) -> None:
        """Take the data; the tumour voxels of a patient are found when it is first loaded."""
        super().__init__(folder="", identifiers=list(cases))
        self._cases, self._references = cases, references
        self._training = self._settled = os.getpid()
        self._tumour: dict[str, dict[int, Any]] = {}

    def load_case(self, identifier: str) -> tuple[StackedChannels, blosc2.NDArray, None, dict[str, Any]]:
        """Return channels, reference standard (1, z, y, x), no previous stage, and the places of the tumour."""
        self.settle()
        self._read = data = StackedChannels(self._cases[identifier].channels)
        reference = opened(self._references[identifier])
        first, truth = self._cases[identifier].channels[0], self._references[identifier]
        require_same_shape(first, xyz(data), truth, xyz(reference))
        if identifier not in self._tumour:
            # At the start, the card would wait for all labels of a study to be read.
            self._tumour[identifier] = _tumour_voxels(self._references[identifier])
        return data, reference, None, {"class_locations": self._tumour[identifier]}

    def read_only(self, begin: Sequence[int], end: Sequence[int]) -> None:
        """Let the channels of the case that was loaded last be zero outside this part, and not be read there."""
        self._read.window = tuple(map(slice, begin, end))

    def settle(self) -> None:
        """Reseed torch once in each process of the loader, and let the process end with its training."""
        if os.getpid() == self._settled:
            return
        self._settled = os.getpid()
        # batchgenerators reseeds numpy in each process; torch's state is inherited, equal in all of them.
        torch.manual_seed(int(np.random.randint(2**31)))
        if sys.platform == "linux":
            _keep_memory()
            # A killed training cannot end its loaders, which would wait for ever and keep its GPU memory.
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self._training:
                raise SystemExit

    @staticmethod
    def save_case(*args: Any) -> None:
        """Raise an error: cases are written by ``residua.networks.nnunet.prepare``."""
        raise NotImplementedError

    @staticmethod
    def get_identifiers(folder: str) -> list[str]:
        """Raise an error: cases are named by the study's split, not by a folder."""
        raise NotImplementedError


def _keep_memory() -> None:
    """Let the process use memory again that it had; to get new pages for each patch takes a sixth of its time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        for option, value in _MALLOPT.items():
            mallopt(option, value)


def _tumour_voxels(reference: Path) -> dict[int, Any]:
    found: dict[int, Any] = DefaultPreprocessor._sample_foreground_locations(np.asarray(opened(reference)[:]), [1])
    return found
