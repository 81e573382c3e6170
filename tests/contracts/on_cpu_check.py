"""nnU-Net on a processor against nnU-Net's own code, inside its environment: python on_cpu_check.py; prints JSON."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from torch import nn

from residua.networks.cases import Channel
from residua.networks.nnunet.channels_last import CHANNELS_LAST, NormThenLeakyReLU, with_channels_last
from residua.networks.nnunet.logits import on_grid
from residua.networks.nnunet.on_cpu import predicted_logits
from residua.networks.nnunet.plans import CONFIGURATION, make_dataset, make_plans
from residua.networks.nnunet.predict import foreground
from residua.networks.nnunet.settings import NnUNetSettings

CHANNELS = [Channel("post_t1ce", is_label=False), Channel("pre_tumor", is_label=True)]
SIZES = {"larger": (30, 21, 34), "smaller": (12, 37, 9)}
THREADS = (1, 2, 3)
GRIDS = (((25, 31, 19), (40, 31, 35)), ((17, 20, 23), (9, 33, 23)), ((1, 7, 9), (3, 14, 18)), ((9, 9, 9), (9, 9, 9)))


def settings(blocks: tuple[int, ...] | None = None) -> NnUNetSettings:
    """A small network, plain or of residual blocks, with a first kernel and strides that differ between axes."""
    kernels, strides = [[3, 3, 1], [3, 3, 3], [1, 1, 1]], [[1, 1, 1], [2, 2, 1], [2, 2, 2]]
    given = {
        "environment": "torch", "spacing_mm": [1, 1, 1], "patch_size": [24, 16, 16], "batch_size": 1,
        "features": [4, 8, 16], "kernels": kernels, "strides": strides, "convolutions_per_level": 2, "epochs": 1,
        "iterations_per_epoch": 1, "validation_iterations_per_epoch": 1, "learning_rate": 0.1, "momentum": 0.9,
        "weight_decay": 0, "foreground_oversampling": 0.3, "loss": "dice_and_cross_entropy", "batch_dice": True,
        "augmentation": "nnunet", "tile_step": 0.5, "save_every_epochs": 1, "seed": 1, "residual_blocks": blocks,
    }  # fmt: skip
    return NnUNetSettings.model_validate(given)


def predictor_of(mirror_axes: tuple[int, ...] | None, blocks: tuple[int, ...] | None = None) -> nnUNetPredictor:
    """A predictor of random weights."""
    plans = make_plans(settings(blocks), CHANNELS)
    architecture = plans["configurations"][CONFIGURATION]["architecture"]
    described = (architecture[key] for key in ("network_class_name", "arch_kwargs", "_kw_requires_import"))
    torch.manual_seed(1)
    network = get_network_from_plans(*described, len(CHANNELS), 2, allow_init=True, deep_supervision=False)
    for block in network.modules():
        if isinstance(block, nn.InstanceNorm3d):
            nn.init.normal_(block.weight, 1.0, 0.3)
            nn.init.normal_(block.bias, 0.0, 0.3)
    predictor = nnUNetPredictor(0.5, use_mirroring=bool(mirror_axes), device=torch.device("cpu"), allow_tqdm=False)
    manager = PlansManager(plans)
    configuration = manager.get_configuration(CONFIGURATION)
    predictor.manual_initialization(network, manager, configuration, None, make_dataset(CHANNELS), "", mirror_axes)
    return predictor


def logits(
    mirror_axes: tuple[int, ...] | None, size: tuple[int, ...], blocks: tuple[int, ...] | None = None
) -> dict[str, Any]:
    """How far our logits are from nnU-Net's, and whether the number of threads changes them."""
    torch.manual_seed(2)
    data = torch.randn(len(CHANNELS), *size)
    theirs = predictor_of(mirror_axes, blocks).predict_sliding_window_return_logits(data).float()
    predictor, found = predictor_of(mirror_axes, blocks), []
    with_channels_last(predictor.network)
    for threads in THREADS:
        torch.set_num_threads(threads)
        found.append(predicted_logits(predictor, data))
        assert torch.get_num_threads() == threads
    apart = (found[0].float() - theirs).abs()
    return {
        "same_shape": list(found[0].shape) == list(theirs.shape) == [2, *size],
        "spread": float(theirs.std()),
        "apart": float(apart.max()),
        "share_apart": float((apart > 1e-4).float().mean()),
        "whatever_threads": all(torch.equal(found[0], other) for other in found[1:]),
    }


def windows_apart(blocks: tuple[int, ...] | None) -> float:
    """How far our logits of one window are from nnU-Net's, before they enter any sum of 16 bits, by their largest."""
    theirs, ours = predictor_of(None, blocks).network.eval(), with_channels_last(predictor_of(None, blocks).network)
    torch.manual_seed(2)
    window = torch.randn(1, len(CHANNELS), 16, 16, 24)
    with torch.inference_mode():
        expected = theirs(window)
        found = ours(window.contiguous(memory_format=CHANNELS_LAST))
    return float((found - expected).abs().max() / expected.abs().max())


def normalised(channels: int, shift: float, shape: tuple[int, ...] = (2, 10, 160, 64)) -> float:
    """The largest difference of our normalisation to PyTorch's in double precision."""
    torch.manual_seed(3)
    norm, activation = nn.InstanceNorm3d(channels, affine=True), nn.LeakyReLU()
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(shape[0], channels, *shape[1:]) * 3 + shift
    with torch.inference_mode():
        wanted = activation(deepcopy(norm).double()(x.double()))
        ours = NormThenLeakyReLU(norm, activation)(x.clone(memory_format=CHANNELS_LAST))
    return float((ours - wanted).abs().max())


def interpolated_otherwise(size: tuple[int, ...], wanted: tuple[int, ...], scale: float, spacing: float = 1.0) -> int:
    """In how many voxels half floats, brought to another grid, differ in any bit from what nnU-Net makes of them."""
    torch.manual_seed(4)
    given = (torch.randn(2, *size) * scale).half()
    configuration = PlansManager(make_plans(settings(), CHANNELS)).get_configuration(CONFIGURATION)
    theirs = configuration.resampling_fn_probabilities(given, wanted, configuration.spacing, [spacing, 1.0, 1.0])
    return int((on_grid(given, configuration, wanted, [spacing, 1.0, 1.0]).numpy() != theirs).sum())


def probabilities_by_threads() -> bool:
    """Whether threads change any bit of what is made of logits, and whether PyTorch keeps their number."""
    predictor, found = predictor_of(None), []
    torch.manual_seed(5)
    given = torch.randn(2, 37, 41, 43).half()
    for threads in THREADS:
        torch.set_num_threads(threads)
        found.append(foreground(given, predictor, [41, 41, 45], [1.0, 1.0, 1.0]))
        assert torch.get_num_threads() == threads
    return all(np.array_equal(found[0], other) for other in found[1:])


def passes_after_an_error() -> dict[str, int]:
    """How many passes begin after one that failed."""
    predictor = predictor_of((0, 1, 2))
    begun = []

    class Failing(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            begun.append(1)
            raise MemoryError("no memory")

    predictor.network = Failing()
    torch.set_num_threads(2)
    try:
        predicted_logits(predictor, torch.zeros(len(CHANNELS), *SIZES["larger"]))
    except MemoryError:
        return {"begun": len(begun)}
    return {"begun": -1}


if __name__ == "__main__":
    record = {
        "logits": {f"{name}, {axes}": logits(axes, size) for name, size in SIZES.items() for axes in (None, (0, 1, 2))}
        | {"residual blocks": logits(None, SIZES["larger"], (1, 2, 1))},
        "windows": {str(blocks): windows_apart(blocks) for blocks in (None, (1, 2, 1))},
        "normalised": {f"{c} channels at {shift}": normalised(c, shift) for c in (1, 3, 16) for shift in (0.0, 100.0)},
        "interpolated": {
            f"{size} to {wanted}, x {scale}": interpolated_otherwise(size, wanted, scale)
            for size, wanted in GRIDS
            for scale in (1e-5, 1.0, 40.0)
        },
        "by_slices": interpolated_otherwise((6, 17, 19), (25, 13, 31), 1.0, spacing=4.0),
        "probabilities_whatever_threads": probabilities_by_threads(),
        "after_an_error": passes_after_an_error(),
    }
    print("\n" + json.dumps(record))
