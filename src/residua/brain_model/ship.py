"""Write a trained brain model as the package holds it: half precision, with a description that names the digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from residua.brain.shipped_model import DESCRIPTION, WEIGHTS
from residua.brain_model.settings import BrainModelSettings
from residua.errors import ResiduaError
from residua.publishing.publish import digest, write_json, writing


def ship(arrays: Mapping[str, NDArray[Any]], settings: BrainModelSettings, folder: Path) -> None:
    """Write weights and their description into ``folder``.

    Raises ``ResiduaError`` for a weight that half precision cannot hold.
    """
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    unfit = [name for name, array in halves.items() if not np.isfinite(array).all()]
    if unfit:
        raise ResiduaError(f"{unfit[0]}: its values are too large for half precision; train with another seed")
    with writing(folder / WEIGHTS) as beside:
        save_file(halves, beside)
    built = settings.model_dump(mode="json", include={"slab", "features", "cut"})
    described = {**built, "weights_sha256": digest(folder / WEIGHTS), "training": settings.model_dump(mode="json")}
    write_json(folder / DESCRIPTION, described)
