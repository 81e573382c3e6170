"""Read the checkpoint of an unfinished training as data: nothing in the file is executed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from residua.networks.cases import unreadable_checkpoint

_NUMBERS = [np.float64(0).__reduce__()[0], np.dtype, *(type(np.dtype(kind)) for kind in ("f4", "f8", "i8"))]
"""Of what a checkpoint holds beside tensors and builtins: numpy's numbers in nnU-Net's log."""


def read_checkpoint(file: Path, device: torch.device) -> dict[str, Any]:
    """Return the state that nnU-Net saved. Raises ``ResiduaError`` when the file is damaged or holds code."""
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    # A cut or foreign file raises what the reader of its remains happens to raise.
    except Exception as error:
        raise unreadable_checkpoint(file, error) from error
    return state
