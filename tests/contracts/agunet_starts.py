"""What AGU-Net takes over when it starts from another network, for agunet_check.py in the environment of AGU-Net."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from residua.errors import ResiduaError
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
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
