"""Save and restore the state of a training in one file that holds data only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from residua.networks.torch_weights import tensors_of

_NETWORK, _OPTIMIZER = "network/", "optimizer/"


@dataclass
class TrainingState:
    """What changes while a network is trained: weights, optimiser, scale of gradients, epochs done, learning curve."""

    network: torch.nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    epoch: int = 0
    curve: list[dict[str, Any]] = field(default_factory=list)

    def has_finite_weights(self) -> bool:
        """Return whether all weights are numbers."""
        return all(bool(torch.isfinite(weights).all()) for weights in self.network.parameters())


def captured(state: TrainingState) -> Callable[[Path], None]:
    """Copy the state as it is now; return what writes the copy into a file."""
    tensors = {_NETWORK + name: tensor.clone() for name, tensor in tensors_of(state.network).items()}
    for number, of_weight in state.optimizer.state_dict()["state"].items():
        for name, tensor in of_weight.items():
            tensors[f"{_OPTIMIZER}{number}/{name}"] = tensor.detach().cpu().clone().contiguous()
    record = {"epoch": state.epoch, "curve": state.curve, "scaler": state.scaler.state_dict()}
    metadata = {"record": json.dumps(record)}
    return lambda file: save_file(tensors, file, metadata=metadata)


def restore(state: TrainingState, file: Path) -> TrainingState:
    """Bring a state, as it was built, to that of the file. A damaged file raises what its reader happens to raise."""
    with safe_open(file, framework="torch") as stored:
        record = json.loads(stored.metadata()["record"])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
    of_weights: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith(_OPTIMIZER):
            number, _, part = name.removeprefix(_OPTIMIZER).partition("/")
            of_weights.setdefault(int(number), {})[part] = tensor
    weights = {name.removeprefix(_NETWORK): tensor for name, tensor in tensors.items() if name.startswith(_NETWORK)}
    state.network.load_state_dict(weights)
    state.optimizer.load_state_dict({**state.optimizer.state_dict(), "state": of_weights})
    state.scaler.load_state_dict(record["scaler"])
    state.epoch, state.curve = record["epoch"], record["curve"]
    return state
