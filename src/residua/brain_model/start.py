"""Start a training from weights, also from those of a smaller network, which becomes the inner part.

Without the finest levels: networks grow this way from coarse slabs, which train fast, to fine ones (Karras et al. 2018,
for images). Or with fewer filters in each level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from residua.brain_model.wider import narrower_filters, widened
from residua.errors import ResiduaError
from residua.networks.agunet.framework import keras
from residua.networks.agunet.weight_shapes import SCALE, weight_shapes
from residua.networks.agunet.weights import Arrays, arrays_of, assign

_LEVEL = re.compile(rf"^({SCALE}|encoder|decoder|head)(\d+)")
_BETWEEN = {1: (0.0, 1.0, 0.0), 2: (0.75, 1.0, 0.25)}
"""By the stride: what a voxel gives to those of a transposed convolution, so that the sum at each is one."""

Volumes = NDArray[np.float32]


def start_inside(
    network: keras.Model, arrays: Arrays, features: Sequence[int], file: Path, description: str, volumes: Volumes
) -> int:
    """Put the weights of ``file`` into a network of one channel and ``features``, which ``description`` names.

    A file of fewer levels holds the inner ones: they answer on the averaged volume as the smaller network does on that
    volume itself. Each finer level begins by passing on what the one below answers; some ``volumes`` (batch, x, y, z,
    1) tell the statistics of that. A file of as many levels and fewer filters answers as before, too. Return the number
    of finer levels. Raises ``ResiduaError`` for weights of any other network.
    """
    filters = narrower_filters(arrays, features)
    if filters:
        arrays = widened(arrays_of(network), arrays, features, filters)
    found = {name: array.shape for name, array in arrays.items()}
    for finer in range(1, len(features) - 1):
        if found == weight_shapes(1, features[finer:]):
            assign(network, {**arrays_of(network), **_inner(arrays, finer, features)}, file, description)
            for level in reversed(range(finer)):
                _pass_on(network, level, volumes)
            return finer
    assign(network, arrays, file, description)
    return 0


def keep_inner(network: keras.Model, finer: int) -> None:
    """Let all but the ``finer`` first levels learn nothing, and every batch normalisation stay as it is.

    Statistics of a few slabs, some without a brain, would change what finer levels pass on. Raises ``ResiduaError``
    where nothing would be left to learn.
    """
    if not finer:
        raise ResiduaError("learn: finer needs initial_weights with fewer levels than features; set learn to all")
    for layer in network.layers:
        found = _LEVEL.match(layer.name)
        if (found and int(found[2]) >= finer) or isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _inner(arrays: Arrays, finer: int, features: Sequence[int]) -> Arrays:
    """Return the weights under their names below ``finer`` more levels."""
    inner = {_LEVEL.sub(lambda found: f"{found[1]}{int(found[2]) + finer}", name): a for name, a in arrays.items()}
    sees, reads = f"{SCALE}{finer}", f"encoder{finer}_conv0/kernel"
    # The block saw the volume. Now it sees filters of it: two pass its positive and its negative part on.
    passes = np.zeros((3, 3, 3, 1, features[finer]), np.float32)
    passes[1, 1, 1, 0, :2] = 1.0, -1.0
    volume = inner[reads]
    joined = np.zeros((3, 3, 3, features[finer] + features[finer - 1], features[finer]), np.float32)
    joined[..., :2, :] = np.concatenate([volume, -volume], axis=3)
    return {**inner, f"{sees}/kernel": passes, f"{sees}/bias": np.zeros(features[finer], np.float32), reads: joined}


def _pass_on(network: keras.Model, level: int, volumes: Volumes) -> None:
    """Let two filters of a decoder's level pass on the evidence for the brain and against it of the level below."""
    up, below = network.get_layer(f"decoder{level}_up"), network.get_layer(f"head{level + 1}")
    kernel, bias = (np.array(variable) for variable in below.weights)
    evidence = kernel[0, 0, 0, :, 1] - kernel[0, 0, 0, :, 0], bias[1] - bias[0]
    x, y, z = (np.array(_BETWEEN[stride]) for stride in up.strides)
    spread = x[:, None, None] * y[:, None] * z
    kernel, bias = (np.array(variable) for variable in up.weights)
    for filter_, sign in enumerate((1.0, -1.0)):
        kernel[..., filter_, :] = sign * spread[..., None] * evidence[0]
        bias[filter_] = sign * evidence[1]
    up.set_weights([kernel, bias])
    _normalise_to_itself(network, up.name, f"{up.name}_norm", volumes)
    for step in range(2):
        convolution = network.get_layer(f"decoder{level}_conv{step}")
        kernel, bias = (np.array(variable) for variable in convolution.weights)
        kernel[..., :2], bias[:2] = 0.0, 0.0
        kernel[1, 1, 1, 0, 0] = kernel[1, 1, 1, 1, 1] = 1.0
        convolution.set_weights([kernel, bias])
        _normalise_to_itself(network, convolution.name, f"decoder{level}_norm{step}", volumes)
    head = network.get_layer(f"head{level}")
    kernel = np.zeros(head.kernel.shape, np.float32)
    kernel[0, 0, 0, :2] = (-0.5, 0.5), (0.5, -0.5)
    head.set_weights([kernel, np.zeros(2, np.float32)])


def _normalise_to_itself(network: keras.Model, layer: str, normalisation: str, volumes: Volumes) -> None:
    """Let a normalisation leave the first two filters of a layer as they are; others come to mean 0 and spread 1."""
    norm = network.get_layer(normalisation)
    values = np.asarray(keras.Model(network.inputs, network.get_layer(layer).output)(volumes))
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    mean, variance = flat.mean(axis=0), flat.var(axis=0)
    gamma, beta = (np.array(variable) for variable in (norm.gamma, norm.beta))
    gamma[:2], beta[:2] = np.sqrt(variance + norm.epsilon)[:2], mean[:2]
    norm.set_weights([gamma, beta, mean, variance])
