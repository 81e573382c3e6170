"""Exports, each step inside its environment: python export_check.py STEP ARCH FOLDER [SETTINGS]. Prints a JSON record.

``make`` trains tiny models on made-up heads and keeps what they predict; ``nnunet``, ``keras`` and ``onnx`` export them
and let the program that the form is for predict the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from network_contract import PATIENTS, make_cases, train_to
from numpy.typing import NDArray
from prepared_channels import prepared_channels

from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.exporting import Ensemble, exports_of
from residua.networks.registry import load_of, settings_of
from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip
from residua.publishing.publish import read_json, write_json

IMAGES = (Channel("post_t1ce", is_label=False), Channel("post_t1", is_label=False))
LABEL = Channel("pre_tumor", is_label=True)
CHANNELS = {"nnunet": IMAGES, "agunet": (*IMAGES, LABEL)}
PATIENT = PATIENTS[2]
FOLDS = (0, 1)
KEPT = "kept.npz"


def make(arch: str, folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """Train and predict; keep predictions, one network's input and its output."""
    settings = settings_of(arch).model_validate(given)
    make_cases(folder)
    for patient in PATIENTS:
        image = volumes.load(folder / f"{patient}_post_t1ce.nii.gz")
        other = 1000 + 3 * np.roll(image.data, 3, axis=0)
        second = Image(np.where(image.data != 0, other, 0).astype(np.float32), image.grid)
        volumes.save(second, folder / f"{patient}_post_t1.nii.gz")
    made = prepared_channels(arch, settings, folder, (*CHANNELS[arch], Channel("residual", is_label=True)), PATIENTS)
    channels = CHANNELS[arch]
    cases = {p: PreparedCase(p, tuple(made[channel.name, p] for channel in channels)) for p in PATIENTS}
    references = {p: made["residual", p] for p in PATIENTS}
    data = TrainingSet(channels, cases, references, PATIENTS[:2], PATIENTS[2:])
    models = {fold: folder / f"fold{fold}" for fold in FOLDS}
    kept = {}
    if arch == "nnunet":
        for fold, out in models.items():
            train_to(arch, data, settings.model_copy(update={"seed": fold}), out)
        kept["single"] = np.stack([load_of(arch)([out])(cases[PATIENT]).data for out in models.values()])
        kept["mean"] = load_of(arch)(list(models.values()))(cases[PATIENT]).data
    else:
        # Keras takes seconds to begin a training, and its exports are compared network by network.
        train_to(arch, data, settings, models[0])
        shutil.copytree(models[0], models[1])
    write_json(folder / "ensemble.json", Ensemble(arch, "B", channels, models, 0.4).to_json())
    np.savez(folder / KEPT, **kept, **_one_pass(arch, models[0], cases[PATIENT]))
    return {}


def _one_pass(arch: str, model: Path, case: PreparedCase) -> dict[str, NDArray[np.float32]]:
    """What the network itself is given, and what it returns."""
    if arch == "agunet":
        from residua.networks.agunet.model import trained
        from residua.networks.agunet.prepared import read_stacked

        given = read_stacked(case.channels)[None]
        return {"given": given, "returned": np.asarray(trained(model).predict_on_batch(given))}
    import torch

    from residua.networks.nnunet.model import load_model
    from residua.networks.nnunet.prepared import StackedChannels

    predictor = load_model(model, torch.device("cpu"))
    z, y, x = predictor.configuration_manager.patch_size
    data = StackedChannels(case.channels)
    middle = [slice(max(0, n // 2 - size // 2), None) for n, size in zip(data.shape[1:], (z, y, x), strict=True)]
    part = data[slice(None), *middle][:, :z, :y, :x]
    given = np.zeros((1, data.shape[0], z, y, x), np.float32)
    given[0, :, : part.shape[1], : part.shape[2], : part.shape[3]] = part
    with torch.inference_mode():
        returned = predictor.network.eval()(torch.from_numpy(given)).numpy()
    return {"given": given, "returned": returned}


def exported(folder: Path, form: str) -> tuple[Ensemble, Path]:
    """Export the ensemble of a folder."""
    ensemble = Ensemble.from_json(read_json(folder / "ensemble.json"))
    out = folder / form
    out.mkdir()
    import_module(exports_of(ensemble.arch)[form].module).export(ensemble, out)
    return ensemble, out


def onnx(folder: Path) -> dict[str, Any]:
    """What onnxruntime makes of the exported network of the first fold."""
    import onnxruntime

    _, out = exported(folder, "onnx")
    session = onnxruntime.InferenceSession(str(out / "fold0.onnx"))
    kept = np.load(folder / KEPT)
    (returned,) = session.run(None, {session.get_inputs()[0].name: kept["given"]})
    return {
        "apart": float(np.abs(returned - kept["returned"]).max()),
        "spread": float(kept["returned"].std()),
        "metadata": {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()},
        "files": sorted(path.name for path in out.iterdir()),
    }


def keras(folder: Path) -> dict[str, Any]:
    """What Keras alone makes of the exported network of the first fold."""
    _, out = exported(folder, "keras")
    import keras

    read = keras.models.load_model(out / "fold0.keras", safe_mode=True, compile=False)
    kept = np.load(folder / KEPT)
    returned = read.predict_on_batch(kept["given"])
    layers = {type(layer).__module__.partition(".")[0] for layer in read.layers}
    return {
        "apart": float(np.abs(returned - kept["returned"]).max()),
        "spread": float(kept["returned"].std()),
        "layers_of": sorted(layers),
        "facts": read_json(out / "fold0.json"),
        "files": sorted(path.name for path in out.iterdir()),
    }


def nnunet(folder: Path) -> dict[str, Any]:
    """What nnU-Net's own commands make of the exported models and stripped images."""
    ensemble, out = exported(folder, "nnunet")
    images = folder / "stripped"
    images.mkdir()
    for number, channel in enumerate(ensemble.channels):
        files = folder / f"{PATIENT}_{channel.name}.nii.gz", folder / f"{PATIENT}_brain.nii.gz"
        strip(ChannelCase(PATIENT, *files), images / f"{PATIENT}_{number:04d}.nii.gz")
    (archive,) = out.glob("*.zip")
    _nnunet(folder, "install_pretrained_model_from_zip", str(archive))
    step = json.loads((Path(ensemble.models[0]) / "plans.json").read_text())["residua_inference"]["tile_step"]
    every = ["-d", "501", "-c", "3d_fullres", "-i", str(images), "-step_size", str(step), "-device", "cpu"]
    every += ["-npp", "1", "-nps", "1", "--save_probabilities", "--disable_progress_bar"]
    outs = {fold: str(folder / f"predicted{fold}") for fold in ensemble.models}
    for fold, place in outs.items():
        _nnunet(folder, "predict", *every, "-o", place, "-f", str(fold))
    _nnunet(folder, "ensemble", "-i", *outs.values(), "-o", str(folder / "ensemble"), "--save_npz", "-np", "1")
    _nnunet(folder, "predict", *every, "-o", str(folder / "at_once"), "-f", *map(str, ensemble.models))
    kept = np.load(folder / KEPT)
    found = [_tumour(Path(place)) for place in outs.values()]
    mask = volumes.load_mask(folder / "ensemble" / f"{PATIENT}.nii.gz")
    return {
        "apart": [float(np.abs(one - ours).max()) for one, ours in zip(found, kept["single"], strict=True)],
        "ensemble_apart": float(np.abs(_tumour(folder / "ensemble") - kept["mean"]).max()),
        "logits_apart": float(np.abs(_tumour(folder / "at_once") - kept["mean"]).max()),
        "mask_apart": int(((kept["mean"] > 0.5) != mask.data).sum()),
        "read_as_data": _read_as_data(next(out.rglob("checkpoint_final.pth"))),
        "largest": float(kept["mean"].max()),
        "residual_blocks_apart": residual_blocks_apart(folder / "residual"),
    }


def residual_blocks_apart(folder: Path) -> float:
    """How far nnU-Net's own predictor, given an exported ResEnc of random weights, is from ours, on one window."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
    from on_cpu_check import predictor_of, settings
    from safetensors.torch import save_file

    from residua.networks.nnunet.channels_last import CHANNELS_LAST, with_channels_last
    from residua.networks.nnunet.model import load_model
    from residua.networks.nnunet.plans import (
        DATASET_FILE,
        INFERENCE,
        PLANS_FILE,
        WEIGHTS_FILE,
        make_dataset,
        make_plans,
    )
    from residua.networks.torch_weights import tensors_of

    model, blocks = folder / "fold0", (1, 2, 1)
    channels = (IMAGES[0], LABEL)
    write_json(
        model / PLANS_FILE,
        {**make_plans(settings(blocks), channels), INFERENCE: {"mirror_axes": None, "tile_step": 0.5}},
    )
    write_json(model / DATASET_FILE, make_dataset(channels))
    save_file(tensors_of(predictor_of(None, blocks).network), model / WEIGHTS_FILE)
    write_json(folder / "ensemble.json", Ensemble("nnunet", "D", channels, {0: model}, 0.4).to_json())
    _, out = exported(folder, "nnunet")
    theirs = nnUNetPredictor(device=torch.device("cpu"), allow_tqdm=False)
    theirs.initialize_from_trained_model_folder(str(next(out.glob("*/nnUNetTrainer*"))), (0,), "checkpoint_final.pth")
    theirs.network.load_state_dict(theirs.list_of_parameters[0])
    window = torch.randn(1, len(channels), 16, 16, 24)
    ours = with_channels_last(load_model(model, torch.device("cpu")).network)
    with torch.inference_mode():
        expected = torch.softmax(theirs.network.eval()(window), 1)
        found = torch.softmax(ours(window.contiguous(memory_format=CHANNELS_LAST)), 1)
    assert float(expected.std()) > 0.05
    return float((found - expected).abs().max())


def _read_as_data(checkpoint: Path) -> bool:
    """Whether PyTorch reads the checkpoint without running anything in it."""
    import torch

    return sorted(torch.load(checkpoint, weights_only=True)["init_args"]) == [
        "configuration",
        "dataset_json",
        "fold",
        "plans",
    ]


def _tumour(folder: Path) -> NDArray[np.float32]:
    return np.asarray(np.load(folder / f"{PATIENT}.npz")["probabilities"][1].transpose(2, 1, 0), np.float32)


def _nnunet(folder: Path, command: str, *arguments: str) -> None:
    places = {f"nnUNet_{name}": str(folder / name) for name in ("raw", "preprocessed", "results")}
    program = str(Path(sys.executable).with_name(f"nnUNetv2_{command}"))
    done = subprocess.run(
        [sys.executable, program, *arguments], env={**os.environ, **places}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


STEPS = {"onnx": onnx, "keras": keras, "nnunet": nnunet}

if __name__ == "__main__":
    step, arch, place = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    record = make(arch, place, json.loads(sys.argv[4])) if step == "make" else STEPS[step](place)
    print("\n" + json.dumps(record))
