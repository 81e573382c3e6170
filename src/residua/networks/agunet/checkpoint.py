"""The state from which a training goes on: one file, so that a kill never leaves parts of two states."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from residua.networks.agunet.framework import keras
from residua.networks.agunet.weights import Arrays, arrays_of, assign
from residua.publish import writing

CHECKPOINT = "checkpoint.safetensors"
_NOW, _BEST, _OPTIMIZER = "now/", "best/", "optimizer/"


@dataclass(frozen=True)
class Course:
    """How far a training is: epochs done, the best validation loss and its epoch, and the learning curve."""

    epoch: int = 0
    best_loss: float = float("inf")
    best_epoch: int = -1
    curve: tuple[dict[str, float], ...] = field(default=())

    def after(self, train_loss: float, validation_loss: float) -> Course:
        """The course when one more epoch is done; the first of equal losses stays the best."""
        record = {"epoch": self.epoch, "train_loss": train_loss, "validation_loss": validation_loss}
        done = replace(self, epoch=self.epoch + 1, curve=(*self.curve, record))
        improved = validation_loss < self.best_loss
        return replace(done, best_loss=validation_loss, best_epoch=self.epoch) if improved else done

    @property
    def improved(self) -> bool:
        """Whether the last epoch was the best."""
        return self.best_epoch == self.epoch - 1

    def ended(self, epochs: int, patience_epochs: int) -> bool:
        """Whether the training is over: all epochs done, or too many since the best."""
        return self.epoch >= epochs or self.epoch - 1 - self.best_epoch >= patience_epochs


def save(folder: Path, network: keras.Model, best: Arrays, course: Course) -> None:
    """Write the state beside, then put it in place."""
    tensors = {_NOW + name: array for name, array in arrays_of(network).items()}
    tensors |= {_BEST + name: array for name, array in best.items()}
    # 0-d arrays are not stored by every version: a scalar is written as an array of one.
    steps = {f"{_OPTIMIZER}{i}": np.atleast_1d(np.array(v)) for i, v in enumerate(network.optimizer.variables)}
    with writing(folder / CHECKPOINT) as beside:
        save_file({**tensors, **steps}, beside, metadata={"course": json.dumps(asdict(course))})


def restore(folder: Path, network: keras.Model) -> tuple[Arrays, Course]:
    """Put the state back into ``network`` and its optimiser; the best weights so far, and the course.

    Without a checkpoint: the network as it is, at the start.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        return arrays_of(network), Course()
    tensors = load_file(file)
    assign(network, _below(tensors, _NOW), file)
    for i, variable in enumerate(network.optimizer.variables):
        variable.assign(tensors[f"{_OPTIMIZER}{i}"].reshape(variable.shape))
    with safe_open(file, framework="numpy") as stored:
        record: dict[str, Any] = json.loads(stored.metadata()["course"])
    return _below(tensors, _BEST), Course(**{**record, "curve": tuple(record["curve"])})


def _below(tensors: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
