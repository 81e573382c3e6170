"""Predict foreground probabilities with one or several trained nnU-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from numpy.typing import NDArray

from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.nnunet.plans import CONFIGURATION, DATASET_FILE, INFERENCE, PLANS_FILE, WEIGHTS_FILE
from residua.networks.nnunet.prepared import StackedChannels, geometry
from residua.networks.nnunet.weights import load_weights
from residua.publishing.publish import read_json


def load(models: Sequence[Path]) -> NnUNetEnsemble:
    """Fulfil ``residua.networks.contract.Load``."""
    return NnUNetEnsemble(models, torch.device("cuda" if torch.cuda.is_available() else "cpu"))


class NnUNetEnsemble:
    """Models of one training configuration; averages their probabilities after the softmax, like the article.

    nnU-Net's own ensemble averages logits, which gives other probabilities.
    """

    def __init__(self, models: Sequence[Path], device: torch.device) -> None:
        """Load the models in the folders ``models`` onto ``device``."""
        self._predictors = [_load(folder, device) for folder in models]

    def __call__(self, case: PreparedCase) -> Image:
        """Return the foreground probability (x, y, z) on the reference grid."""
        data = torch.from_numpy(StackedChannels(case.channels)[(slice(None),) * 4])
        crop, shape = geometry(case.channels[0])
        spacing = list(reversed(crop.grid.spacing_mm))
        total = np.zeros(shape, dtype=np.float32)
        for predictor in self._predictors:
            total += _foreground(predictor, data, shape, spacing)
        probability = (total / len(self._predictors)).transpose(2, 1, 0)
        return crop.restore(np.ascontiguousarray(probability, dtype=np.float32))


def _foreground(
    predictor: nnUNetPredictor, data: torch.Tensor, shape: list[int], spacing: list[float]
) -> NDArray[np.float32]:
    logits = predictor.predict_sliding_window_return_logits(data).float().cpu()
    configuration = predictor.configuration_manager
    resampled = configuration.resampling_fn_probabilities(logits, shape, configuration.spacing, spacing)
    probabilities = predictor.label_manager.apply_inference_nonlin(resampled)
    return np.asarray(probabilities[1], dtype=np.float32)


def _load(folder: Path, device: torch.device) -> nnUNetPredictor:
    plans_record, dataset = read_json(folder / PLANS_FILE), read_json(folder / DATASET_FILE)
    inference = plans_record.pop(INFERENCE)
    plans = PlansManager(plans_record)
    network = _network(plans, dataset)
    load_weights(network, folder / WEIGHTS_FILE)
    axes = inference["mirror_axes"]
    predictor = nnUNetPredictor(inference["tile_step"], use_mirroring=bool(axes), device=device, allow_tqdm=False)
    configuration = plans.get_configuration(CONFIGURATION)
    predictor.manual_initialization(network, plans, configuration, None, dataset, "StudyTrainer", axes)
    return predictor


def _network(plans: PlansManager, dataset: dict[str, Any]) -> torch.nn.Module:
    configuration = plans.get_configuration(CONFIGURATION)
    network: torch.nn.Module = get_network_from_plans(
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
        len(dataset["channel_names"]),
        len(dataset["labels"]),
        allow_init=False,
        deep_supervision=False,
    )
    return network
