"""Save the state of an unfinished training, and read it as data: nothing in the file is executed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch

from residua.networks.generations import Write

_NUMBERS = [np.float64(0).__reduce__()[0], np.dtype, *(type(np.dtype(kind)) for kind in ("f4", "f8", "i8"))]
"""Of what a checkpoint holds beside tensors and builtins: numpy's numbers in nnU-Net's log."""


def copied(state: dict[str, Any]) -> Write:
    """Return a function that writes ``state`` as it is now, from a copy in memory."""
    copy = io.BytesIO()
    torch.save(state, copy)

    def write(file: Path) -> None:
        file.write_bytes(copy.getbuffer())

    return write


def read_checkpoint(file: Path, device: torch.device) -> dict[str, Any]:
    """Return the state that was saved. Raises an error when the file is damaged or holds code."""
    with torch.serialization.safe_globals(_NUMBERS):
        state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    return state
