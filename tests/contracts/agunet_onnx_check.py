"""Takes weights from ONNX files of an AGU-Net, sound and not, in the environment onnx; prints what came of each."""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from residua.errors import ResiduaError
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
from residua.networks.agunet.from_onnx import take_weights
from residua.networks.agunet.names import WEIGHTS_FILE
from residua.networks.agunet.onnx_graph import Graph, read_graph
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.weights import arrays_of

SHAPE, FEATURES, CHANNELS = (16, 16, 16), (4, 8, 8), 3


def network() -> keras.Model:
    """A network of three channels whose tensors are all different, as after a training."""
    made = build_network(SHAPE, CHANNELS, FEATURES, 0.9)
    rng = np.random.default_rng(0)
    for variable in made.variables:
        positive = variable.path.endswith(("gamma", "variance"))
        values = rng.uniform(0.5, 2, variable.shape) if positive else rng.normal(0, 0.3, variable.shape)
        variable.assign(values.astype(np.float32))
    return made


class _Called(torch.nn.Module):
    """A network under the call that PyTorch's exporter understands."""

    def __init__(self, made: torch.nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self._made = made

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        """Call the network."""
        return self._made(volume)


def exported(made: keras.Model) -> onnx.ModelProto:
    """The network as ONNX."""
    given = (torch.zeros(1, *SHAPE, CHANNELS),)
    return torch.onnx.export(_Called(made).eval(), given, dynamo=True, verbose=False).model_proto


def taken(file: Path, features: tuple[int, ...] = FEATURES, digest: str = "") -> dict[str, Any] | str:
    """The weights that are taken from a file, or why none are."""
    config = json.loads(sys.argv[2])
    weights = {"file": str(file), "sha256": digest or sha256(file.read_bytes()).hexdigest()}
    settings = {**config, "init": "file", "initial_weights": weights, "shape": SHAPE, "features": features}
    out = file.with_suffix("")
    out.mkdir(exist_ok=True)
    try:
        take_weights(AGUNetSettings.model_validate(settings), out)
    except ResiduaError as error:
        return str(error).replace(str(file), "FILE")
    return load_file(out / WEIGHTS_FILE)


def answers_apart(made: keras.Model, arrays: dict[str, Any] | str) -> float | str:
    """How far a network with the weights that were taken answers from the one that was exported."""
    if isinstance(arrays, str):
        return arrays
    own, volume = arrays_of(made), np.random.default_rng(5).normal(size=(1, *SHAPE, CHANNELS)).astype(np.float32)
    theirs = np.asarray(made.predict_on_batch(volume)[0])
    for variable in made.variables:
        variable.assign(arrays[variable.path])
    ours = np.asarray(made.predict_on_batch(volume)[0])
    for variable in made.variables:
        variable.assign(own[variable.path])
    return float(np.abs(ours - theirs).max())


def changed(model: onnx.ModelProto, folder: Path, name: str, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A file of the model after a change."""
    other = onnx.ModelProto()
    other.CopyFrom(model)
    change(other)
    file = folder / f"{name}.onnx"
    file.write_bytes(other.SerializeToString())
    return file


def first(model: onnx.ModelProto, kind: str) -> onnx.NodeProto:
    """The first node of a kind."""
    return next(node for node in model.graph.node if node.op_type == kind)


def set_kind(kind: str, other: str) -> Callable[[onnx.ModelProto], None]:
    """A change of the operator of one node."""
    return lambda model: setattr(first(model, kind), "op_type", other)


def normalised(folder: Path) -> dict[str, Any]:
    """What is read of a convolution with a bias and a normalisation as such, and of one with neither."""
    rng = np.random.default_rng(1)
    stored = {"w": rng.normal(size=(4, 2, 3, 3, 3)), "v": rng.normal(size=(2, 4, 1, 1, 1)), "b": rng.normal(size=4)}
    stored |= {name: rng.uniform(1, 2, 4) for name in ("gamma", "beta", "mean", "variance")}
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1] * 6),
        helper.make_node("BatchNormalization", ["c", "gamma", "beta", "mean", "variance"], ["n"], epsilon=0.01),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Conv", ["r", "v"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 4, 4, 4]) for name in ("x", "y")]
    initial = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in stored.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], initial))
    file = folder / "normalised.onnx"
    onnx.save(model, str(file))
    graph = read_graph(file)
    one, two = Graph(graph, file).convolutions("y", set())
    own = one.normalisation
    assert own is not None
    found = [own.gamma, own.beta, own.mean, own.variance, one.shift]
    wanted = [stored[name] for name in ("gamma", "beta", "mean", "variance", "b")]
    return {
        "same": all(np.allclose(a, b) for a, b in zip(found, wanted, strict=True)),
        "epsilon": round(own.epsilon, 6),
        "kernels": [list(one.kernel.shape), list(two.kernel.shape)],
        "second": [two.normalisation is None, bool((two.shift == 0).all()), bool((two.scale == 1).all())],
    }


def main(folder: Path) -> dict[str, object]:
    """The whole record."""
    made = network()
    whole = exported(made)
    finest = exported(keras.Model(made.inputs, made.outputs[0]))
    file = changed(whole, folder, "whole", lambda model: None)
    pickled = folder / "pickled.onnx"
    pickled.write_bytes(pickle.dumps({"weights": [1.0]}))
    return {
        "whole": answers_apart(made, taken(file)),
        "finest": answers_apart(made, taken(changed(finest, folder, "finest", lambda model: None))),
        "random": answers_apart(made, arrays_of(build_network(SHAPE, CHANNELS, FEATURES, 0.9))),
        "of_other_features": taken(file, (4, 8, 16)),
        "of_more_levels": taken(file, (4, 8, 8, 8)),
        "of_another_digest": taken(file, digest="0" * 64),
        "with_another_operator": taken(changed(whole, folder, "gelu", set_kind("Relu", "Elu"))),
        "with_another_order": taken(changed(whole, folder, "sigmoid", set_kind("Relu", "Sigmoid"))),
        "pickled": taken(pickled),
        "normalised": normalised(folder),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]))))
