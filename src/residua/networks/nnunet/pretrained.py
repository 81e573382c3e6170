"""Start a training from the checkpoint of another nnU-Net, as nnU-Net's ``-pretrained_weights`` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from residua.errors import ResiduaError
from residua.networks.nnunet.settings import PretrainedWeights
from residua.publishing.publish import digest

_SEGMENTATION = ".seg_layers."
"""In the names of the layers that are left at random, as nnU-Net leaves them: they are of the other task."""
_SCALAR = np.float64(0).__reduce__()[0]
_NUMBERS: list[Any] = [
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("?", "f4", "f8", "i4", "i8")),
    # numpy 2 has moved it; checkpoints name the place that it had.
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
]
"""Of what a checkpoint of nnU-Net holds beside tensors and builtins: numpy's numbers in its log."""


def start_from(network: nn.Module, weights: PretrainedWeights) -> str:
    """Give ``network`` the weights of a checkpoint and return in words what stays at random.

    All layers but those of the segmentation must fit; the weights of the first convolution stay at random where the
    checkpoint is for another number of channels. Raises ``ResiduaError`` for anything else. No code in the file is run.
    """
    stored, wanted = _read(weights), network.state_dict()
    first = next(layer for layer in network.modules() if isinstance(layer, nn.Conv3d)).weight
    reading = {name for name, weight in network.named_parameters(remove_duplicate=False) if weight is first}
    of_network = [name for name in wanted if _SEGMENTATION not in name]
    other_channels = {name for name in reading if _but_channels(stored.get(name)) == _but_channels(first)} - {
        name for name in reading if _shape(stored.get(name)) == first.shape
    }
    taken = [name for name in of_network if name not in other_channels]
    unfit = [name for name in taken if _shape(stored.get(name)) != wanted[name].shape]
    if unfit:
        name = unfit[0]
        found = _shape(stored.get(name))
        has = f"is of shape {list(found)}" if found is not None else "is missing"
        raise ResiduaError(
            f"{weights.file}: {len(unfit)} weights do not fit, among them {name}, which {has} and should be "
            f"{list(wanted[name].shape)}; give the checkpoint of a network with the same plans, or name its plans.json "
            "under networks.nnunet.plans"
        )
    network.load_state_dict({**wanted, **{name: stored[name] for name in taken}})
    return " and ".join(["the segmentation layers", *(["the first convolution"] if other_channels else [])])


def _read(weights: PretrainedWeights) -> dict[str, Any]:
    file = Path(weights.file)
    if not file.is_file():
        raise ResiduaError(f"{file}: the initial weights are missing; correct the path in the config")
    if digest(file) != weights.sha256:
        raise ResiduaError(f"{file}: its sha256 differs from the one in the config; correct the path or the digest")
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            stored = torch.load(file, map_location="cpu", weights_only=True)["network_weights"]
        return dict(stored)
    # A cut or foreign file raises what the reader of its remains happens to raise.
    except Exception as error:
        raise ResiduaError(
            f"{file}: cannot be read as a checkpoint of nnU-Net ({type(error).__name__}): it is cut off, something "
            "else, or holds code, which is not run; give the checkpoint_final.pth of a training"
        ) from error


def _shape(tensor: Any) -> torch.Size | None:
    return tensor.shape if isinstance(tensor, torch.Tensor) else None


def _but_channels(tensor: Any) -> tuple[int, ...] | None:
    shape = _shape(tensor)
    return None if shape is None else (*shape[:1], *shape[2:])
