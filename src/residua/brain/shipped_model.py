"""The brain model that comes with the package: its weights in half precision, and what they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from residua.errors import ResiduaError
from residua.publishing.publish import digest, read_json

FOLDER = Path(__file__).parent / "weights"
WEIGHTS, DESCRIPTION, CARD = "brain.safetensors", "brain.json", "README.md"


@dataclass(frozen=True)
class ShippedModel:
    """A network and its weights: voxels of a slab, filters of each level, every tensor by its layer and name.

    A voxel whose probability is above ``cut`` is brain.
    """

    slab: tuple[int, int, int]
    features: tuple[int, ...]
    arrays: dict[str, NDArray[Any]]
    file: Path
    cut: float


def shipped_model(folder: Path = FOLDER) -> ShippedModel:
    """Read the model of a folder, its weights in 32 bits.

    Raises ``ResiduaError`` when a file is missing, or the weights are not those that the description names.
    """
    file = folder / WEIGHTS
    try:
        description = read_json(folder / DESCRIPTION)
        found = digest(file)
    except (OSError, ValueError) as error:
        raise ResiduaError(
            f"{folder}: the brain model of the package cannot be read ({error}); install it anew"
        ) from error
    if found != description["weights_sha256"]:
        raise ResiduaError(f"{file}: its sha256 differs from the one in {DESCRIPTION}; install the package anew")
    try:
        stored = load_file(file)
    except SafetensorError as error:
        raise ResiduaError(f"{file}: cannot be read as safetensors ({error}); install the package anew") from error
    x, y, z = description["slab"]
    arrays = {name: array.astype(np.float32) for name, array in stored.items()}
    return ShippedModel((x, y, z), tuple(description["features"]), arrays, file, description["cut"])
