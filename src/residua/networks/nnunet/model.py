"""Load one trained nnU-Net."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from residua.networks.nnunet.plans import CONFIGURATION, DATASET_FILE, INFERENCE, PLANS_FILE, WEIGHTS_FILE
from residua.networks.torch_weights import load_weights
from residua.publishing.publish import read_json


def load_model(folder: Path, device: torch.device) -> nnUNetPredictor:
    """Return nnU-Net's predictor with the trained model in ``folder`` on ``device``."""
    plans_record, dataset = read_json(folder / PLANS_FILE), read_json(folder / DATASET_FILE)
    inference = plans_record.pop(INFERENCE)
    plans = PlansManager(plans_record)
    network = _network(plans, dataset)
    load_weights(network, folder / WEIGHTS_FILE, PLANS_FILE)
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
