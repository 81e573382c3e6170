"""Write trained models as ONNX, by way of Keras on PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from residua.networks.agunet.exported import INPUT, OUTPUT, facts_of, readme
from residua.networks.agunet.model import trained
from residua.networks.exporting import Ensemble
from residua.networks.onnx_file import write_onnx
from residua.publishing.publish import write_text


class _Callable(torch.nn.Module):  # type: ignore[misc]
    """The network under the call that PyTorch's exporter understands."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self._network = network

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        return self._network(volume)


def export(ensemble: Ensemble, out: Path) -> None:
    """Fulfil ``residua.networks.exporting.Export``."""
    for fold, folder in ensemble.models.items():
        network = trained(folder)
        shape = (1, *network.input_shape[1:])
        given = np.random.default_rng(fold).normal(size=shape).astype(np.float32)
        program = torch.onnx.export(
            _Callable(network).eval(),
            (torch.from_numpy(given),),
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamo=True,
            verbose=False,
        )
        facts = {**facts_of(ensemble, folder), "fold": fold}
        write_onnx(program.model_proto, facts, given, network.predict_on_batch(given), out / f"fold{fold}.onnx")
    write_text(out / "README.md", readme(ensemble, ".onnx", "onnxruntime.InferenceSession(file)"))
