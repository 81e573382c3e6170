"""What AGU-Net takes over when it starts from another network, for agunet_check.py in the environment of AGU-Net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from residua.errors import ResiduaError
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
from residua.networks.agunet.settings import AGUNetSettings, InitialWeights
from residua.networks.agunet.train import begin, compiled
from residua.networks.agunet.weights import arrays_of, read_checked, start_from
from residua.publishing.publish import digest

SMALL = {"shape": (16, 16, 8), "features": (4, 8, 8), "momentum": 0.9}


def start(folder: Path) -> dict[str, object]:
    """A network for two sequences that starts from one for a single sequence."""
    keras.utils.set_random_seed(0)
    trained = arrays_of(build_network(channels=1, **SMALL))
    trained = {name: array + 0.25 for name, array in trained.items()}
    file = folder / "trained.safetensors"
    save_file(trained, file)
    network = build_network(channels=2, **SMALL)
    wider = build_network(channels=2, **{**SMALL, "features": (4, 8, 16)})
    before = arrays_of(network)
    _start(network, file, digest(file))
    after = arrays_of(network)
    anew = [name for name in after if np.array_equal(after[name], before[name])]
    taken = [name for name in after if name not in anew and np.array_equal(after[name], trained[name])]
    return {
        "anew": sorted({name.partition("/")[0] for name in anew}),
        "taken": len(taken),
        "all": len(after),
        "of_another_digest": _refusal(network, str(file), "0" * 64),
        "missing": _refusal(network, str(folder / "nowhere.safetensors"), "0" * 64),
        "of_another_network": _refusal(wider, str(file), digest(file)),
    }


def begins(folder: Path, settings: AGUNetSettings) -> dict[str, object]:
    """By the start of a training on two sequences, and the channels of the model there: the layers that start anew."""
    files = {}
    for channels in (1, 2):
        arrays = arrays_of(build_network(channels=channels, **SMALL))
        files[channels] = folder / f"of{channels}.safetensors"
        save_file({name: array + 0.25 for name, array in arrays.items()}, files[channels])
    own = settings.model_copy(update={"shape": SMALL["shape"], "features": SMALL["features"]})
    onnx = InitialWeights(file="start.onnx", sha256="0" * 64)
    starts: dict[str, dict[str, object]] = {
        "bundle": {"init": "none"},
        "onnx": {"init": "file", "initial_weights": onnx},
        "preoperative": {"init": "preoperative"},
    }
    found: dict[str, object] = {}
    for channels, file in files.items():
        for start, chosen in starts.items():
            network = build_network(channels=2, **SMALL)
            found[f"{start} of {channels}"] = _begun(network, own.model_copy(update=chosen), file)
        weights = InitialWeights(file=str(file), sha256=digest(file))
        network = compiled(2, own.model_copy(update={"init": "file", "initial_weights": weights}))
        found[f"safetensors of {channels}"] = _anew(network, file)
    return found


def _begun(network: keras.Model, settings: AGUNetSettings, file: Path) -> list[str] | str:
    try:
        begin(network, settings, file)
    except ResiduaError as error:
        return str(error).replace(str(file), "FILE")
    return _anew(network, file)


def _anew(network: keras.Model, file: Path) -> list[str]:
    trained, after = load_file(file), arrays_of(network)
    return sorted({name.partition("/")[0] for name in after if not np.array_equal(after[name], trained[name])})


def tensors_of_inputs() -> dict[str, list[str]]:
    """By the number of channels of inputs A to E: the tensors that one channel has in another shape, or not at all."""
    deep = {**SMALL, "shape": (32, 32, 32), "features": (4, 8, 8, 8, 8)}
    one = {name: array.shape for name, array in arrays_of(build_network(channels=1, **deep)).items()}
    found = {}
    for channels in (1, 2, 3, 4, 5):
        own = {name: array.shape for name, array in arrays_of(build_network(channels=channels, **deep)).items()}
        found[str(channels)] = sorted(
            {name for name, shape in own.items() if one.get(name) != shape} | set(one) - set(own)
        )
    return found


def _start(network: keras.Model, file: Path | str, sha256: str) -> None:
    start_from(network, read_checked(str(file), sha256, "initial weights"), file)


def _refusal(network: keras.Model, file: str, sha256: str) -> str:
    try:
        _start(network, file, sha256)
    except ResiduaError as error:
        return str(error).replace(file, "FILE")
    return "accepted"
