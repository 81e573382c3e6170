"""Take the weights of an AGU-Net from an ONNX file, by way of Keras on PyTorch.

Tensors are matched by shape and by the order of the graph, from each output back to the input. The network that they
fill must then answer as the file does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from safetensors.numpy import save_file

from residua.errors import ResiduaError
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
from residua.networks.agunet.names import WEIGHTS_FILE
from residua.networks.agunet.onnx_graph import Convolution, Graph, read_graph
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.weights import arrays_of
from residua.networks.exporting import TOLERANCE
from residua.publishing.publish import digest, writing

_AXES = 5


def take_weights(settings: AGUNetSettings, out: Path) -> None:
    """Write the weights of ``initial_weights`` into the folder ``out``, as a training of this network leaves them.

    Heads that the file lacks are made anew. Raises ``ResiduaError`` for another file than the settings describe, for
    one that holds another network, and for one whose network answers otherwise than ours with its weights.
    """
    assert settings.initial_weights is not None, "the settings name a file"
    file = Path(settings.initial_weights.file)
    if not file.is_file() or digest(file) != settings.initial_weights.sha256:
        raise ResiduaError(f"{file}: missing, or its sha256 differs from the one in the config; correct path or digest")
    graph = read_graph(file)
    shape, channels, first = _input_of(graph, file, settings)
    keras.utils.set_random_seed(settings.seed)
    network = build_network(shape, channels, settings.features, settings.batch_normalization_momentum)
    outputs = [each.name for each in graph.output]
    if len(outputs) not in (1, len(network.outputs)):
        raise ResiduaError(f"{file}: has {len(outputs)} outputs, and an AGU-Net one, or one for each level: {_REMEDY}")
    given, seen = Graph(graph, file), set[str]()
    found = [each for output in outputs for each in given.convolutions(output, seen)]
    _fill(list(convolutions_of(network, network.outputs[: len(outputs)])), found, file)
    _require_same_answer(network, file, first)
    with writing(out / WEIGHTS_FILE) as beside:
        save_file(arrays_of(network), beside)


_REMEDY = "give the ONNX file of an AGU-Net with the same networks.agunet.features"
Pair = tuple[keras.Layer, keras.Layer | None]
"""A convolution, and the batch normalisation that follows it; None: there is none."""


def convolutions_of(network: keras.Model, outputs: Sequence[Any]) -> Iterator[Pair]:
    """Yield the convolutions of a network in the order in which ``Graph.convolutions`` yields those of a file."""
    seen: set[str] = set()
    order: list[keras.Layer] = []
    for output in outputs:
        _visit(output, seen, order)
    normalised = {layer.input._keras_history.operation.name: layer for layer in order if _normalises(layer)}
    for layer in order:
        if isinstance(layer, keras.layers.Conv3D | keras.layers.Conv3DTranspose):
            yield layer, normalised.get(layer.name)


def _normalises(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.BatchNormalization)


def _visit(tensor: Any, seen: set[str], order: list[keras.Layer]) -> None:
    layer = tensor._keras_history.operation
    if layer.name in seen:
        return
    seen.add(layer.name)
    given = [] if isinstance(layer, keras.layers.InputLayer) else layer.input
    for each in given if isinstance(given, list) else [given]:
        _visit(each, seen, order)
    order.append(layer)


def _input_of(graph: onnx.GraphProto, file: Path, settings: AGUNetSettings) -> tuple[tuple[int, ...], int, bool]:
    """Return voxels along x, y, z and channels of the file's input, and whether its channels come first."""
    stored = {each.name for each in graph.initializer}
    inputs = [each for each in graph.input if each.name not in stored]
    sizes = [axis.dim_value for each in inputs[:1] for axis in each.type.tensor_type.shape.dim]
    if len(inputs) != 1 or len(sizes) != _AXES:
        raise ResiduaError(f"{file}: its input is not one volume with channels; {_REMEDY}")
    first = 0 < sizes[1] < (sizes[4] or sizes[1] + 1)
    channels, shape = (sizes[1], sizes[2:]) if first else (sizes[4], sizes[1:4])
    if channels < 1:
        raise ResiduaError(f"{file}: does not say how many channels its input has; export it with a fixed shape")
    return tuple(shape) if all(shape) else tuple(settings.shape), channels, first


def _fill(own: Sequence[Pair], found: Sequence[Convolution], file: Path) -> None:
    if len(own) != len(found):
        raise ResiduaError(f"{file}: has {len(found)} convolutions, and this network {len(own)}; {_REMEDY}")
    for (layer, norm), there in zip(own, found, strict=True):
        if there.transposed != isinstance(layer, keras.layers.Conv3DTranspose) or there.kernel.shape != tuple(
            layer.kernel.shape
        ):
            raise ResiduaError(
                f"{file}: where this network has {layer.name} with a kernel of {_size(layer.kernel.shape)}, the file "
                f"has one of {_size(there.kernel.shape)}; {_REMEDY}"
            )
        _assign(layer, norm, there)


def _assign(layer: keras.Layer, norm: keras.Layer | None, there: Convolution) -> None:
    kernel, shift = there.kernel, there.shift
    axis = -2 if there.transposed else -1
    if norm is None or there.normalisation is not None:
        # What scales a convolution's output scales its kernel.
        layer.kernel.assign(np.moveaxis(np.moveaxis(kernel, axis, -1) * there.scale, -1, axis))
        layer.bias.assign(shift)
    else:
        layer.kernel.assign(kernel)
        layer.bias.assign(np.zeros_like(shift))
    if norm is None:
        return
    if (own := there.normalisation) is not None:
        same = np.sqrt((own.variance + norm.epsilon) / (own.variance + own.epsilon))
        values = own.gamma * same, own.beta, own.mean, own.variance
    else:
        # A normalisation that was computed into its neighbours is one of mean 0 and variance 1.
        zero, one = np.zeros_like(shift), np.ones_like(shift)
        values = there.scale, shift, zero, one - norm.epsilon
    for variable, value in zip((norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance), values, strict=True):
        variable.assign(value)


def _require_same_answer(network: keras.Model, file: Path, channels_first: bool) -> None:
    """Raise ``ResiduaError`` when network and file answer a random volume differently."""
    volume = np.random.default_rng(0).normal(size=(1, *network.input_shape[1:])).astype(np.float32)
    turned = np.ascontiguousarray(np.moveaxis(volume, -1, 1)) if channels_first else volume
    try:
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        theirs: NDArray[np.float32] = session.run(None, {session.get_inputs()[0].name: turned})[0]
    except Exception as error:
        # onnxruntime has errors of its own for each fault.
        raise ResiduaError(f"{file}: onnxruntime cannot run it ({str(error).splitlines()[0]}); {_REMEDY}") from None
    theirs = np.moveaxis(theirs, 1, -1) if channels_first else theirs
    ours = np.asarray(keras.Model(network.inputs, network.outputs[0]).predict_on_batch(volume))
    apart = float(np.abs(theirs - ours).max()) if theirs.shape == ours.shape else np.inf
    if not apart <= TOLERANCE:
        raise ResiduaError(
            f"{file}: with its weights this network answers a random volume otherwise, by up to {apart:.2g}, where "
            f"{TOLERANCE:g} is allowed: it is not the same architecture; {_REMEDY}"
        )


def _size(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
