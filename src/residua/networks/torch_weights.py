"""Read and write a PyTorch network's weights as plain tensors, in a file that holds data only."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import torch
from safetensors.torch import load_file

from residua.errors import ResiduaError


def tensors_of(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return parameters and buffers, each once: networks may register one under several names."""
    named = chain(network.named_parameters(), network.named_buffers())
    return {name: tensor.detach().cpu().contiguous() for name, tensor in named}


def load_weights(network: torch.nn.Module, file: Path, description: str) -> None:
    """Put the weights of ``file`` into ``network``, which was built from the file ``description`` beside them.

    Raises ``ResiduaError`` when they belong to another network.
    """
    stored, wanted = load_file(file), tensors_of(network)
    if {name: tensor.shape for name, tensor in stored.items()} != {name: t.shape for name, t in wanted.items()}:
        raise ResiduaError(f"{file}: these weights do not fit the network that {description} beside them describes")
    network.load_state_dict(stored, strict=False)
