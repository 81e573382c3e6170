"""Read the convolutions of an ONNX file in the order of its graph; nothing in the file is executed.

Each convolution comes with the scale and the shift that follow it: a bias, and a normalisation in any of the forms that
exporters give it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.external_data_helper import uses_external_data

from residua.errors import ResiduaError

Array = NDArray[np.float32]
_CONVOLUTIONS = ("Conv", "ConvTranspose")
_BETWEEN = {"Transpose", "Identity", "Slice", "Reshape", "Cast", "Squeeze", "Unsqueeze", "Pad"}
_AFFINE = {"Add", "Sub", "Mul", "Div", "BatchNormalization"}
_OTHERS = {"Relu", "Sigmoid", "Softmax", "MaxPool", "AveragePool", "Concat", "Constant", "Shape", "Gather"}
OPERATORS = {*_CONVOLUTIONS, *_BETWEEN, *_AFFINE, *_OTHERS}
"""All that exporters write for an AGU-Net."""


@dataclass(frozen=True)
class Normalisation:
    """A batch normalisation that stands in the graph as one, an array of each kind for the filters."""

    gamma: Array
    beta: Array
    mean: Array
    variance: Array
    epsilon: float


@dataclass(frozen=True)
class Convolution:
    """One convolution: its kernel as Keras holds it, scale and shift of its output, and the normalisation after both.

    Keras' kernels are (x, y, z, in, out), and (x, y, z, out, in) of a transposed convolution.
    """

    transposed: bool
    kernel: Array
    scale: Array
    shift: Array
    normalisation: Normalisation | None = None


def read_graph(file: Path) -> onnx.GraphProto:
    """Read the graph of an ONNX file.

    Raises ``ResiduaError`` for what is no ONNX, keeps weights in other files, or has operators that no AGU-Net has.
    """
    try:
        model = onnx.load(str(file), load_external_data=False)
        _require_whole(model, file)
        onnx.checker.check_model(model)
    except ResiduaError:
        raise
    except Exception as error:
        # Protocol Buffers and the checker have errors of their own.
        raise ResiduaError(
            f"{file}: cannot be read as ONNX ({str(error).splitlines()[0]}); give another file"
        ) from None
    strange = sorted({node.op_type for node in model.graph.node} - OPERATORS)
    if strange:
        raise ResiduaError(
            f"{file}: holds the operator {', '.join(strange)}, which no AGU-Net has; give the ONNX file of an AGU-Net"
        )
    return model.graph


def _require_whole(model: onnx.ModelProto, file: Path) -> None:
    """Raise ``ResiduaError`` when a tensor lies in another file: the digest of the ONNX file does not cover it."""
    if (elsewhere := next((each for each in _tensors(model) if uses_external_data(each)), None)) is not None:
        named = next((each.value for each in elsewhere.external_data if each.key == "location"), "another file")
        raise ResiduaError(
            f"{file}: keeps weights in another file ({named}), which its sha256 does not cover; write both as one file "
            'with onnx.save(onnx.load("model.onnx"), "whole.onnx"), and give that one and its sha256'
        )


def _tensors(message: Any) -> Iterator[onnx.TensorProto]:
    """Yield every tensor of a message, also those of attributes, functions, sparse tensors and inner graphs."""
    if isinstance(message, onnx.TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(each)


class Graph:
    """The nodes of a graph by what they give and what takes it."""

    def __init__(self, graph: onnx.GraphProto, file: Path) -> None:
        """Read the constants."""
        self._file = file
        self._maker = {name: node for node in graph.node for name in node.output}
        self._takers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._takers.setdefault(name, []).append(node)
        self._stored: dict[str, NDArray[Any]] = {each.name: numpy_helper.to_array(each) for each in graph.initializer}

    def convolutions(self, output: str, seen: set[str]) -> Iterator[Convolution]:
        """Yield the convolutions on which an output depends, each after those on which it depends itself.

        Inputs are followed in their order. Nodes in ``seen`` were visited for another output, and are left out.
        """
        waiting: list[tuple[str, bool]] = [(output, False)]
        while waiting:
            name, followed = waiting.pop()
            node = self._maker.get(name)
            if node is None or (name in seen and not followed):
                continue
            if followed:
                if node.op_type in _CONVOLUTIONS:
                    yield self._convolution(node)
                continue
            seen.update(node.output)
            waiting.append((name, True))
            waiting += [(each, False) for each in reversed(node.input)]

    def _convolution(self, node: onnx.NodeProto) -> Convolution:
        kernel = self._constant(node.input[1])
        if kernel is None or kernel.ndim != 5:
            raise ResiduaError(
                f"{self._file}: {node.name or node.op_type} has no kernel of three dimensions in the file"
            )
        transposed = node.op_type == "ConvTranspose"
        filters = kernel.shape[1 if transposed else 0]
        bias = self._constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
        shift = np.zeros(filters, np.float32) if bias is None else bias
        # From (out, in, x, y, z), and of a transposed one from (in, out, x, y, z).
        turned = np.ascontiguousarray(kernel.transpose(2, 3, 4, 1, 0), np.float32)
        found = Convolution(transposed, turned, np.ones(filters, np.float32), np.asarray(shift, np.float32))
        return self._with_affine(found, node.output[0])

    def _with_affine(self, found: Convolution, name: str) -> Convolution:
        """Follow what an output goes through until it is no longer scaled or shifted by constants."""
        while len(takers := self._takers.get(name, [])) == 1 and found.normalisation is None:
            (node,) = takers
            if node.op_type in _AFFINE:
                if (applied := self._applied(found, node, name)) is None:
                    break
                found = applied
            elif node.op_type not in _BETWEEN:
                break
            name = node.output[0]
        return found

    def _applied(self, found: Convolution, node: onnx.NodeProto, name: str) -> Convolution | None:
        if node.op_type == "BatchNormalization":
            gamma, beta, mean, variance = (self._vector(each, len(found.shift)) for each in node.input[1:5])
            if gamma is None or beta is None or mean is None or variance is None:
                return None
            epsilon = next((each.f for each in node.attribute if each.name == "epsilon"), 1e-5)
            return replace(found, normalisation=Normalisation(gamma, beta, mean, variance, epsilon))
        first, second = node.input
        value = self._vector(second if first == name else first, len(found.shift))
        if value is None or (node.op_type in ("Sub", "Div") and first != name):
            return None
        if node.op_type in ("Mul", "Div"):
            factor = value if node.op_type == "Mul" else np.reciprocal(value)
            return replace(found, scale=found.scale * factor, shift=found.shift * factor)
        return replace(found, shift=found.shift + (value if node.op_type == "Add" else -value))

    def _vector(self, name: str, filters: int) -> Array | None:
        """Return a constant as one value for each filter; None if it is none."""
        value = self._constant(name)
        if value is None or value.size not in (1, filters):
            return None
        return np.asarray(np.broadcast_to(value.reshape(-1), (filters,)), np.float32)

    def _constant(self, name: str) -> NDArray[Any] | None:
        if name in self._stored:
            return self._stored[name]
        node = self._maker.get(name)
        if node is None:
            return None
        if node.op_type == "Constant":
            held = next((each.t for each in node.attribute if each.name == "value"), None)
            return None if held is None else np.asarray(numpy_helper.to_array(held))
        given = self._constant(node.input[0]) if node.op_type in ("Transpose", "Identity") else None
        if given is None or node.op_type == "Identity":
            return given
        order = next((list(each.ints) for each in node.attribute if each.name == "perm"), None)
        return np.asarray(np.transpose(given, order))
