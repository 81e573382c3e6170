"""Weights as named arrays, in and out of files that hold data only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from residua.errors import ResiduaError
from residua.networks.agunet.architecture import sees_the_input
from residua.networks.agunet.framework import keras
from residua.publish import digest

WEIGHTS_FILE, NETWORK_FILE = "weights.safetensors", "network.json"
Arrays = dict[str, NDArray[Any]]


def arrays_of(network: keras.Model) -> Arrays:
    """Every weight by its layer and name, the running statistics of the normalisation included."""
    return {variable.path: np.array(variable) for variable in network.variables}


def assign(network: keras.Model, arrays: Arrays, file: Path) -> None:
    """Put the weights of ``file`` into ``network``. Raises ``ResiduaError`` when they are another network's."""
    if {name: array.shape for name, array in arrays.items()} != _shapes(network):
        raise ResiduaError(f"{file}: these weights do not fit the network that network.json beside them describes")
    for variable in network.variables:
        variable.assign(arrays[variable.path])


def start_from(network: keras.Model, file: str, sha256: str) -> None:
    """Start from trained weights; the layers that see the inputs keep their random ones, as in the article.

    Raises ``ResiduaError`` when the file is missing or another one, or when any other layer does not fit.
    """
    if not Path(file).is_file():
        raise ResiduaError(f"{file}: the initial weights are missing; correct the path or set initial_weights to null")
    if digest(file) != sha256:
        raise ResiduaError(f"{file}: is not the file whose sha256 the config gives; correct the path or the digest")
    arrays = load_file(file)
    wanted = {name: shape for name, shape in _shapes(network).items() if not sees_the_input(name.partition("/")[0])}
    unfit = [name for name, shape in wanted.items() if name not in arrays or arrays[name].shape != shape]
    if unfit:
        raise ResiduaError(f"{file}: {len(unfit)} weights are missing or of another shape, among them {unfit[0]}")
    for variable in network.variables:
        if variable.path in wanted:
            variable.assign(arrays[variable.path])


def _shapes(network: keras.Model) -> dict[str, tuple[int, ...]]:
    return {variable.path: tuple(variable.shape) for variable in network.variables}
