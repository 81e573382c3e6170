"""Write a PyTorch network as ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from residua.networks.onnx_file import write_onnx

WINDOW, LOGITS = "window", "logits"


def write_network(network: torch.nn.Module, given: NDArray[np.float32], facts: Mapping[str, Any], out: Path) -> None:
    """Write ``network``, from one window to its logits, with its ``facts``; ``given`` is a window to compare both by.

    Raises ``ResiduaError`` as ``write_onnx`` does.
    """
    window = torch.from_numpy(given)
    with torch.inference_mode():
        logits = network(window).numpy()
    program = torch.onnx.export(
        network, (window,), input_names=[WINDOW], output_names=[LOGITS], dynamo=True, verbose=False
    )
    write_onnx(program.model_proto, facts, given, logits, out)
