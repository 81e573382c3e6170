"""One prepared channel of one patient: a compressed array on nnU-Net's spacing that can be read patch by patch.

Every channel is a file of its own, so that a training stacks those of its inputs when it reads, copies nothing, and
a changed sequence touches only the trainings that use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import blosc2
import numpy as np
from nnunetv2.preprocessing.normalization.default_normalization_schemes import ZScoreNormalization
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.preprocessing.resampling.default_resampling import compute_new_shape, resample_data_or_seg_to_shape
from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetBaseDataset
from numpy.typing import NDArray

from residua.networks.contract import PreparedCase
from residua.networks.nnunet.plans import RESAMPLING_OF_IMAGES, RESAMPLING_OF_LABELS, zyx
from residua.preparation import ChannelCase, Crop, crop_to_brain

SUFFIX = ".b2nd"
_CROP = "crop"
_SHAPE = "shape_before_resampling"


def prepare_channel(case: ChannelCase, is_label: bool, settings: dict[str, Any], out: Path) -> None:
    """Crop to the brain, normalise within it (images), resample to the network's spacing and write ``out``."""
    cropped, brain, crop = crop_to_brain(case)
    spacing, wanted = zyx(crop.grid.spacing_mm), zyx(settings["spacing_mm"])
    shape = compute_new_shape(zyx(crop.shape), spacing, wanted)
    if is_label:
        channel: NDArray[Any] = (cropped > 0.5).astype(np.int8).transpose(2, 1, 0)
    else:
        channel = _normalised(cropped.transpose(2, 1, 0), brain.transpose(2, 1, 0))
    resampling = RESAMPLING_OF_LABELS if is_label else RESAMPLING_OF_IMAGES
    prepared = resample_data_or_seg_to_shape(channel[None], shape, spacing, wanted, **resampling)
    origin = {_CROP: crop.to_json(), _SHAPE: zyx(crop.shape)}
    _write(prepared.astype(channel.dtype), zyx(settings["patch_size"]), out, origin)


def _normalised(image: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    outside = np.where(brain, 0, -1)
    scheme = ZScoreNormalization(use_mask_for_norm=True, intensityproperties={})
    return np.asarray(scheme.run(image.copy(), outside), dtype=np.float32)


def _write(prepared: NDArray[Any], patch: list[int], out: Path, origin: dict[str, Any]) -> None:
    blocks, chunks = comp_blosc2_params(prepared.shape, patch, prepared.itemsize)
    out.unlink(missing_ok=True)
    blosc2.asarray(
        np.ascontiguousarray(prepared),
        urlpath=str(out),
        chunks=chunks,
        blocks=blocks,
        cparams={"codec": blosc2.Codec.LZ4HC, "clevel": 5, "nthreads": 1},
        meta={"residua": origin},
    )


def opened(path: Path) -> blosc2.NDArray:
    """A prepared channel (1, z, y, x), read from disk only where it is indexed."""
    return blosc2.open(urlpath=str(path), mode="r", mmap_mode="r", dparams={"nthreads": 1})


def geometry(path: Path) -> tuple[Crop, list[int]]:
    """Where a prepared channel comes from: its crop, and the crop's shape (z, y, x) before resampling."""
    meta = opened(path).schunk.meta["residua"]
    return Crop.from_json(meta[_CROP]), list(meta[_SHAPE])


class StackedChannels:
    """Channels of one case, shown to nnU-Net's loader as one array (channels, z, y, x) that is read when indexed."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._channels = [opened(path) for path in paths]
        self.shape = (len(paths), *self._channels[0].shape[1:])

    def __getitem__(self, index: tuple[slice, ...]) -> NDArray[np.float32]:
        rows = range(len(self._channels))[index[0]]
        return np.concatenate([self._channels[row][(slice(0, 1), *index[1:])] for row in rows]).astype(np.float32)


class StackedDataset(nnUNetBaseDataset):  # type: ignore[misc]
    """nnU-Net's view of prepared cases; the reference standard and its tumour voxels come with each."""

    def __init__(self, cases: Mapping[str, PreparedCase], references: Mapping[str, Path]) -> None:
        super().__init__(folder="", identifiers=list(cases))
        self._cases, self._references = cases, references
        self._tumour = {patient: _tumour_voxels(path) for patient, path in references.items()}

    def load_case(self, identifier: str) -> tuple[StackedChannels, blosc2.NDArray, None, dict[str, Any]]:
        """Channels, reference standard (1, z, y, x), no previous stage, and where the tumour lies."""
        data = StackedChannels(self._cases[identifier].channels)
        return data, opened(self._references[identifier]), None, {"class_locations": self._tumour[identifier]}

    @staticmethod
    def save_case(*args: Any) -> None:
        """Cases are written by ``prepare_channel``."""
        raise NotImplementedError

    @staticmethod
    def get_identifiers(folder: str) -> list[str]:
        """Cases are named by the study's split, not by a folder."""
        raise NotImplementedError


def _tumour_voxels(reference: Path) -> dict[int, Any]:
    found: dict[int, Any] = DefaultPreprocessor._sample_foreground_locations(np.asarray(opened(reference)[:]), [1])
    return found
