"""Predict foreground probabilities with one or several trained nnU-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from numpy.typing import NDArray

from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.contract import Member, Predictor
from residua.networks.nnunet.channels_last import with_channels_last
from residua.networks.nnunet.model import load_model
from residua.networks.nnunet.on_cpu import predicted_logits
from residua.networks.nnunet.prepared import StackedChannels, geometry
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
        self._predictors = [load_model(folder, device) for folder in models]
        for predictor in self._predictors if device.type == "cpu" else ():
            with_channels_last(predictor.network)

    def read(self, case: PreparedCase) -> _Given:
        """Fulfil ``Predictor.read``."""
        data = torch.from_numpy(StackedChannels(case.channels)[(slice(None),) * 4])
        data[list(case.lacking)] = 0
        return _Given(data, *geometry(case.channels[0]))

    def predict(self, given: _Given, member: Member | None = None) -> Image:
        """Fulfil ``Predictor.predict``."""
        crop, shape = given.crop, given.shape
        spacing = list(reversed(crop.grid.spacing_mm))
        total = np.zeros(shape, dtype=np.float32)
        for place, predictor in enumerate(self._predictors):
            probability = _foreground(predictor, given.data, shape, spacing)
            total += probability
            if member:
                member(place, _restored(probability, crop))
        return _restored(total / len(self._predictors), crop)


def _restored(probability: NDArray[np.floating[Any]], crop: Crop) -> Image:
    return crop.restore(np.ascontiguousarray(probability.transpose(2, 1, 0), dtype=np.float32))


def _foreground(
    predictor: nnUNetPredictor, data: torch.Tensor, shape: list[int], spacing: list[float]
) -> NDArray[np.float32]:
    on_cpu = predictor.device.type == "cpu"
    logits = predicted_logits(predictor, data) if on_cpu else predictor.predict_sliding_window_return_logits(data).cpu()
    configuration = predictor.configuration_manager
    resampled = configuration.resampling_fn_probabilities(logits, shape, configuration.spacing, spacing)
    probabilities = predictor.label_manager.apply_inference_nonlin(resampled)
    return np.asarray(probabilities[1], dtype=np.float32)
