"""Write an ONNX model with what a user must know inside, after comparing it with the model that it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from residua.errors import ResiduaError
from residua.networks.exporting import TOLERANCE
from residua.publishing.publish import writing


def write_onnx(
    model: onnx.ModelProto,
    facts: Mapping[str, Any],
    given: NDArray[np.float32],
    expected: NDArray[np.float32],
    out: Path,
) -> None:
    """Write ``model`` with its ``facts`` as metadata, each a JSON value.

    Raises ``ResiduaError`` when onnxruntime gives anything else than the ``expected`` output for the ``given`` input.
    """
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in facts.items()})
    with writing(out, suffix=".onnx") as beside:
        onnx.save(model, str(beside))
        session = onnxruntime.InferenceSession(str(beside), providers=["CPUExecutionProvider"])
        (found,) = session.run(None, {session.get_inputs()[0].name: given})
        apart = float(np.abs(found - expected).max())
        if not apart <= TOLERANCE:
            raise ResiduaError(f"{out.name}: its output differs from the model's by {apart:.2g}; report this")
