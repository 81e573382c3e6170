"""Predict foreground probabilities with one or several trained nnU-Nets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from numpy.typing import NDArray

from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.contract import Output, Predictor
from residua.networks.nnunet.channels_last import with_channels_last
from residua.networks.nnunet.logits import on_grid
from residua.networks.nnunet.model import load_model
from residua.networks.nnunet.on_cpu import predicted_logits
from residua.networks.nnunet.prepared import StackedChannels, geometry
from residua.networks.nnunet.resampling import zyx
from residua.preparation.brain_crop import Crop


def load(models: Sequence[Path]) -> NnUNetEnsemble:
    """Fulfil ``residua.networks.contract.Load``."""
    return NnUNetEnsemble(models, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


@dataclass(frozen=True)
class _Given:
    """Channels of a case (channels, z, y, x), their crop, and the crop's shape before resampling."""

    data: torch.Tensor
    crop: Crop
    shape: list[int]


class NnUNetEnsemble(Predictor):
    """Models of one training configuration; averages their probabilities after the softmax, like the article.

    nnU-Net's own ensemble averages logits, which gives other probabilities.
    """

    def __init__(self, models: Sequence[Path], device: torch.device) -> None:
        """Load the models in the folders ``models`` onto ``device``."""
        self._predictors, self._device = [load_model(folder, device) for folder in models], device
        self.on_card = device.type != "cpu"
        for predictor in () if self.on_card else self._predictors:
            with_channels_last(predictor.network)

    def read(self, case: PreparedCase) -> _Given:
        """Fulfil ``Predictor.read``."""
        data = torch.from_numpy(StackedChannels(case.channels)[(slice(None),) * 4])
        data[list(case.lacking)] = 0
        return _Given(data, *geometry(case.channels[0]))

    def outputs(self, given: _Given) -> Iterator[Output]:
        """Fulfil ``Predictor.outputs``."""
        crop, shape = given.crop, given.shape
        spacing = zyx(crop.grid.spacing_mm)
        # Once for all models.
        data = given.data.to(self._device)
        for predictor in self._predictors:
            logits = self._logits(predictor, data)
            if self.on_card:
                logits = _on_grid_by_card(logits, predictor, shape, spacing).cpu()
            yield Output(partial(foreground, logits, predictor, shape, spacing), partial(_restored, crop=crop))

    def _logits(self, predictor: nnUNetPredictor, data: torch.Tensor) -> torch.Tensor:
        if self.on_card:
            return predictor.predict_sliding_window_return_logits(data)
        return predicted_logits(predictor, data)


def _on_grid_by_card(
    logits: torch.Tensor, predictor: nnUNetPredictor, shape: list[int], spacing: list[float]
) -> torch.Tensor:
    try:
        return on_grid(logits, predictor.configuration_manager, shape, spacing)
    except torch.OutOfMemoryError:
        # A thread of the processor does the same.
        return logits


def foreground(
    logits: torch.Tensor, predictor: nnUNetPredictor, shape: list[int], spacing: list[float]
) -> NDArray[np.float32]:
    """Return the foreground probability (z, y, x) that logits (classes, z, y, x) mean on the grid of a crop."""
    with _one_thread():
        resampled = on_grid(logits, predictor.configuration_manager, shape, spacing)
        probabilities = predictor.label_manager.apply_inference_nonlin(resampled)
    return np.array(probabilities[1], dtype=np.float32)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let PyTorch use one thread: the models have the others, and last digits of a softmax depend on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _restored(probability: NDArray[np.float32], crop: Crop) -> Image:
    return crop.restore(np.ascontiguousarray(probability.transpose(2, 1, 0)))
