"""Save and restore the state of a training in one file, so that a kill never leaves parts of two states."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from residua.networks.agunet.course import Course
from residua.networks.agunet.framework import keras
from residua.networks.agunet.weights import Arrays, arrays_of, assign
from residua.networks.cases import unreadable_checkpoint
from residua.publishing.publish import writing

CHECKPOINT = "checkpoint.safetensors"
_NOW, _BEST, _OPTIMIZER = "now/", "best/", "optimizer/"


def save(folder: Path, network: keras.Model, best: Arrays, course: Course) -> None:
    """Write the state to a temporary file, then put it in place."""
    tensors = {_NOW + name: array for name, array in arrays_of(network).items()}
    tensors |= {_BEST + name: array for name, array in best.items()}
    # Not every version stores 0-d arrays: a scalar is written as an array of one.
    steps = {f"{_OPTIMIZER}{i}": np.atleast_1d(np.array(v)) for i, v in enumerate(network.optimizer.variables)}
    with writing(folder / CHECKPOINT) as beside:
        save_file({**tensors, **steps}, beside, metadata={"course": json.dumps(asdict(course))})


def restore(folder: Path, network: keras.Model) -> tuple[Arrays, Course]:
    """Restore the state of ``network`` and its optimiser; return the best weights so far and the course.

    Without a checkpoint, return the weights of the network as it is and a course at its start.
    Raises ``ResiduaError`` when the checkpoint is damaged.
    """
    file = folder / CHECKPOINT
    if not file.exists():
        return arrays_of(network), Course()
    tensors, record = _read(file)
    assign(network, _below(tensors, _NOW), file)
    for i, variable in enumerate(network.optimizer.variables):
        variable.assign(tensors[f"{_OPTIMIZER}{i}"].reshape(variable.shape))
    return _below(tensors, _BEST), Course(**{**record, "curve": tuple(record["curve"])})


def _read(file: Path) -> tuple[Arrays, dict[str, Any]]:
    try:
        with safe_open(file, framework="numpy") as stored:
            return load_file(file), json.loads(stored.metadata()["course"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise unreadable_checkpoint(file, error) from error


def _below(tensors: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
