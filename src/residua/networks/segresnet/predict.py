"""Predict foreground probabilities with one or several trained SegResNets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from numpy.typing import NDArray

from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.contract import Output, Predictor
from residua.networks.segresnet.framework import set_up
from residua.networks.segresnet.model import trained
from residua.networks.segresnet.prepared import read_crop, read_stacked
from residua.networks.segresnet.resampling import resized
from residua.preparation.brain_crop import Crop

_Given = tuple[torch.Tensor, Crop]
"""Channels of a case (1, channels, x, y, z), and their place."""


def load(models: Sequence[Path]) -> SegResNetEnsemble:
    """Fulfil ``residua.networks.contract.Load``."""
    return SegResNetEnsemble(models, set_up())


class SegResNetEnsemble(Predictor):
    """Models of one training configuration; averages their probabilities after the softmax, like the article."""

    def __init__(self, models: Sequence[Path], device: torch.device) -> None:
        """Load the models in the folders ``models`` onto ``device``."""
        self.on_card = device.type == "cuda"
        loaded = [trained(folder) for folder in models]
        self._networks = [network.to(device) for network, _ in loaded]
        self._described: dict[str, Any] = loaded[0][1]
        self._device = device

    def read(self, case: PreparedCase) -> _Given:
        """Fulfil ``Predictor.read``."""
        channels = read_stacked(case.channels)
        channels[list(case.lacking)] = 0
        return torch.from_numpy(channels)[None], read_crop(case.channels[0])

    def outputs(self, given: _Given) -> Iterator[Output]:
        """Fulfil ``Predictor.outputs``; maps are averaged on the network's grid."""
        channels, crop = given[0].to(self._device), given[1]
        for network in self._networks:
            yield Output(partial(np.asarray, self._foreground(network, channels)), partial(_restored, crop))

    def _foreground(self, network: torch.nn.Module, channels: torch.Tensor) -> NDArray[np.float32]:
        patch, overlap = self._described["patch_size"], self._described["window_overlap"]
        with torch.inference_mode(), torch.autocast(self._device.type, enabled=self.on_card):
            logits = sliding_window_inference(channels, patch, 1, network, overlap, mode="gaussian")
            return np.asarray(torch.softmax(logits.float(), 1)[0, 1].cpu())


def _restored(crop: Crop, probability: NDArray[np.float32]) -> Image:
    return crop.restore(resized(probability, crop.shape, is_label=False))
