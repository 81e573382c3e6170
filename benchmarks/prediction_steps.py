"""What benchmarks/prediction.py runs in the environment of nnU-Net, each step a process of its own.

prediction_steps.py make FOLDER        stripped heads, brain masks, models with random weights, and their export
prediction_steps.py prepare FOLDER N   the channels of the first N patients, as the rule prepare makes them
prediction_steps.py ensemble FOLDER N  their probability maps, as the rule ensemble makes them
prediction_steps.py device             the card, and whether it interpolates alike (JSON)
prediction_steps.py apart FOLDER N     how far those are from nnU-Net's (JSON)

FOLDER holds ``asked.json``: what the command line of benchmarks/prediction.py asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from safetensors.torch import save_file
from scipy import ndimage

import nnunet_command  # noqa: F401  it stands in for a package that nnU-Net imports and does not use here
from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.cases import Channel, PreparedCase
from residua.networks.exporting import Ensemble
from residua.networks.nnunet.logits import interpolated
from residua.networks.nnunet.plans import (
    CONFIGURATION,
    DATASET_FILE,
    INFERENCE,
    PLANS_FILE,
    WEIGHTS_FILE,
    make_dataset,
    make_plans,
)
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.nnunet.to_nnunet import export
from residua.networks.prediction import predict_cases
from residua.networks.registry import load_of, prepare_of
from residua.networks.torch_weights import tensors_of
from residua.preparation.cases import ChannelCase
from residua.publishing.publish import read_json, stage, write_json

BRAIN_MM = (140.0, 175.0, 145.0)
SEQUENCES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce")


def settings_in(folder: Path) -> tuple[NnUNetSettings, list[Channel], dict[str, Any]]:
    """Return the settings of the network, its channels, and what was asked for."""
    asked = read_json(folder / "asked.json")
    channels = [Channel(name, is_label=False) for name in SEQUENCES[: asked["channels"]]]
    return NnUNetSettings.model_validate(asked["settings"]), channels, asked


def device() -> None:
    """Print the card's name, and in how many of a map's logits its interpolation differs from the processor's."""
    given, shape = torch.randn(2, 60, 150, 120).half(), (60, 191, 153)
    record: dict[str, Any] = {"device": "no card"}
    if torch.cuda.is_available():
        record = {"device": torch.cuda.get_device_name()}
        on_card = given.cuda()
        record["interpolated_apart"] = int((interpolated(on_card, shape).cpu() != interpolated(given, shape)).sum())
        begun = time.monotonic()
        interpolated(on_card, shape).cpu()
        record["interpolated_s"] = time.monotonic() - begun
    print("\n" + json.dumps(record))


def make(folder: Path) -> None:
    """Write the stripped heads and the models."""
    settings, channels, asked = settings_in(folder)
    (folder / "brains").mkdir()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: make_head(folder, number, channels, asked), range(asked["patients"])))
    models = {
        fold: make_model(folder / f"models/fold{fold}", fold, settings, channels) for fold in range(asked["folds"])
    }
    (folder / "exported").mkdir()
    export(Ensemble("nnunet", "A", tuple(channels), models, 0.5), folder / "exported")
    shutil.copytree(folder / "exported", folder / "nnUNet_results")


def make_head(folder: Path, number: int, channels: list[Channel], asked: dict[str, Any]) -> None:
    """Write a stripped head: tissue as smooth noise in an ellipsoid of the size of a brain."""
    grid, rng = Grid(tuple(asked["grid"]), np.diag([*asked["spacing"], 1.0])), np.random.default_rng(number)
    axes = [(np.arange(n) - (n - 1) / 2) * mm for n, mm in zip(grid.shape, grid.spacing_mm, strict=True)]
    half = np.array(BRAIN_MM) / 2 * rng.uniform(0.95, 1.05, 3)
    within = [(axis / radius) ** 2 for axis, radius in zip(axes, half, strict=True)]
    brain = within[0][:, None, None] + within[1][:, None] + within[2] < 1
    volumes.save(Image(brain, grid), folder / f"brains/P{number:02d}.nii.gz")
    for index, _ in enumerate(channels):
        tissue = ndimage.gaussian_filter(rng.normal(size=grid.shape).astype(np.float32), 2)
        noise = rng.normal(size=grid.shape).astype(np.float32)
        image = np.where(brain, np.maximum(1000 + 4000 * tissue + 20 * noise, 1), 0).astype(np.int16)
        volumes.save(Image(image, grid), folder / f"stripped/P{number:02d}_{index:04d}.nii.gz")


def make_model(folder: Path, fold: int, settings: NnUNetSettings, channels: list[Channel]) -> Path:
    """Write a model as a training publishes it, with random weights that find a little tumour."""
    axes = None if settings.augmentation == "nnunet_without_mirroring" else [0, 1, 2]
    plans = make_plans(settings, channels)
    write_json(folder / PLANS_FILE, {**plans, INFERENCE: {"mirror_axes": axes, "tile_step": settings.tile_step}})
    write_json(folder / DATASET_FILE, make_dataset(channels))
    torch.manual_seed(fold)
    save_file(random_weights(plans, len(channels)), folder / WEIGHTS_FILE)
    return folder


def random_weights(plans: dict[str, Any], channels: int) -> dict[str, torch.Tensor]:
    """Return the weights with which nnU-Net begins, and a last layer that finds few voxels to be tumour."""
    architecture = plans["configurations"][CONFIGURATION]["architecture"]
    described = (architecture[key] for key in ("network_class_name", "arch_kwargs", "_kw_requires_import"))
    network = get_network_from_plans(*described, channels, 2, allow_init=True, deep_supervision=False)
    weights = tensors_of(network)
    last = max(name for name in weights if "seg_layers" in name and name.endswith("weight"))
    weights[last.replace("weight", "bias")] += torch.tensor([2.0, -2.0])
    return weights


def prepare(folder: Path, patients: int) -> None:
    """Prepare every channel."""
    settings, channels, _ = settings_in(folder)
    for index, channel in enumerate(channels):
        out = folder / "prepared" / channel.name
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        names = [f"P{number:02d}" for number in range(patients)]
        cases = [
            ChannelCase(name, folder / f"stripped/{name}_{index:04d}.nii.gz", folder / f"brains/{name}.nii.gz")
            for name in names
        ]
        prepare_of("nnunet")(cases, False, settings.preparation(), out)


def ensemble(folder: Path, patients: int) -> None:
    """Predict with all models, and keep the map of each."""
    _, channels, asked = settings_in(folder)
    models = [folder / f"models/fold{fold}" for fold in range(asked["folds"])]
    names = [f"P{number:02d}" for number in range(patients)]
    cases = [PreparedCase(p, tuple(folder / f"prepared/{c.name}/{p}.b2nd" for c in channels)) for p in names]
    begun = time.monotonic()
    predictor = load_of("nnunet")(models)
    loaded = time.monotonic()
    with stage(folder / "ensemble/manifest.json") as part:
        threads = int(os.environ["OMP_NUM_THREADS"])
        predict_cases(predictor, cases, part, lambda done, total: None, [m.name for m in models], threads)
    print("\n" + json.dumps({"load_s": loaded - begun, "predict_s": time.monotonic() - loaded}))


def apart(folder: Path, patients: int) -> None:
    """Print the largest difference to the mean of nnU-Net's predictions by fold, and to its own of all folds."""
    found: dict[str, list[float]] = {"each": [], "once": []}
    for name in (f"P{number:02d}" for number in range(patients)):
        ours = volumes.load(folder / f"ensemble/{name}.nii.gz").data
        for way, apart_by in found.items():
            file = folder / way / f"{name}.npz"
            if file.is_file():
                theirs = np.load(file)["probabilities"][1].transpose(2, 1, 0)
                apart_by.append(float(np.abs(theirs - ours).max()))
    print("\n" + json.dumps({way: max(differences, default=None) for way, differences in found.items()}))


STEPS = {"prepare": prepare, "ensemble": ensemble, "apart": apart}

if __name__ == "__main__":
    wanted, place = sys.argv[1], Path(*sys.argv[2:3])
    if wanted == "make":
        make(place)
    elif wanted == "device":
        device()
    else:
        STEPS[wanted](place, int(sys.argv[3]))
