"""Read and write weights as named arrays, in files that hold data only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from residua.errors import ResiduaError
from residua.networks.agunet.framework import keras
from residua.networks.agunet.names import NETWORK_FILE
from residua.networks.agunet.weight_shapes import sees_the_input, unfit_weights
from residua.publishing.publish import digest

Arrays = dict[str, NDArray[Any]]


def arrays_of(network: keras.Model) -> Arrays:
    """Return every weight by its layer and name, including the running statistics of the normalisation."""
    return {variable.path: np.array(variable) for variable in network.variables}


def all_finite(network: keras.Model) -> bool:
    """Return whether every weight is a finite number."""
    return all(bool(np.isfinite(np.array(variable)).all()) for variable in network.variables)


def assign(network: keras.Model, arrays: Arrays, file: Path, description: str = f"{NETWORK_FILE} beside them") -> None:
    """Put the weights of ``file`` into ``network``, which was built from ``description``.

    Raises ``ResiduaError`` when they belong to another network.
    """
    if {name: array.shape for name, array in arrays.items()} != _shapes(network):
        raise ResiduaError(f"{file}: these weights do not fit the network that {description} describes")
    for variable in network.variables:
        variable.assign(arrays[variable.path])


def read_checked(file: str, sha256: str, what: str) -> Arrays:
    """Read the arrays of a file that the configuration names with its digest; messages call them ``what``.

    Raises ``ResiduaError`` when the file is missing, differs from its digest or is not in the safetensors format.
    """
    if not Path(file).is_file():
        raise ResiduaError(f"{file}: the {what} are missing; correct the path in the config")
    if digest(file) != sha256:
        raise ResiduaError(f"{file}: its sha256 differs from the one in the config; correct the path or the digest")
    try:
        arrays: Arrays = load_file(file)
    except SafetensorError as error:
        raise ResiduaError(
            f"{file}: cannot be read as safetensors ({error}); convert the {what} to that format"
        ) from error
    return arrays


def start_from(network: keras.Model, arrays: Arrays, file: str | Path) -> None:
    """Start from the trained weights of ``file``; the layers that read the channels stay random, as in the article.

    Raises ``ResiduaError`` when any other layer does not fit.
    """
    wanted = {name: shape for name, shape in _shapes(network).items() if not sees_the_input(name.partition("/")[0])}
    unfit = unfit_weights({name: array.shape for name, array in arrays.items()}, wanted)
    if unfit:
        raise ResiduaError(
            f"{file}: {len(unfit)} weights are missing or of another shape, among them {unfit[0]}; "
            "give weights of an AGU-Net with the same networks.agunet.features"
        )
    for variable in network.variables:
        if variable.path in wanted:
            variable.assign(arrays[variable.path])


def _shapes(network: keras.Model) -> dict[str, tuple[int, ...]]:
    return {variable.path: tuple(variable.shape) for variable in network.variables}
