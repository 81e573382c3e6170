"""Save and restore the state of a training in one file, so that a kill never leaves parts of two states."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from residua.networks.agunet.course import Course
from residua.networks.agunet.framework import keras
from residua.networks.agunet.weights import Arrays, arrays_of, assign
from residua.networks.generations import Write

_NOW, _BEST, _OPTIMIZER = "now/", "best/", "optimizer/"


@dataclass(frozen=True)
class State:
    """State of a training that was read from a file, every tensor by its part and name."""

    file: Path
    tensors: Arrays
    course: Course


def copied(network: keras.Model, best: Arrays, course: Course) -> Write:
    """Return a function that writes the state as it is now, from a copy in memory."""
    tensors = {_NOW + name: array for name, array in arrays_of(network).items()}
    tensors |= {_BEST + name: array for name, array in best.items()}
    # Not every version stores 0-d arrays: a scalar is written as an array of one.
    tensors |= {f"{_OPTIMIZER}{i}": np.atleast_1d(np.array(v)) for i, v in enumerate(network.optimizer.variables)}
    record = {"course": json.dumps(asdict(course))}

    def write(file: Path) -> None:
        save_file(tensors, file, metadata=record)

    return write


def read_state(file: Path) -> State:
    """Read a state. Raises an error when the file is damaged; nothing in it is executed."""
    with safe_open(file, framework="numpy") as stored:
        record = json.loads(stored.metadata()["course"])
    return State(file, load_file(file), Course(**{**record, "curve": tuple(record["curve"])}))


def resume(network: keras.Model, state: State | None) -> tuple[Arrays, Course]:
    """Put a state into ``network`` and its optimiser; return the best weights so far and the course.

    Without one, return the weights of the network as it is and a course at its start.
    """
    if state is None:
        return arrays_of(network), Course()
    assign(network, _below(state.tensors, _NOW), state.file)
    for i, variable in enumerate(network.optimizer.variables):
        variable.assign(state.tensors[f"{_OPTIMIZER}{i}"].reshape(variable.shape))
    return _below(state.tensors, _BEST), state.course


def _below(tensors: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}
