"""Build the layers of AGU-Net as in the authors' public code.

A block is two convolutions, each with batch normalisation and ReLU. In the encoder, the input itself, averaged
repeatedly, joins at every level but the first and the lowest. In the decoder, an attention gate weighs the skip
connection of each level. Four softmax heads, the finest first, are trained together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from residua.networks.agunet.framework import keras
from residua.networks.agunet.grid import halvings
from residua.networks.agunet.weight_shapes import SCALE

CLASSES = 2
"""Background and residual tumour."""

Tensor = Any


def build_network(
    shape: Sequence[int], channels: int, features: Sequence[int], momentum: float, flat_levels: int = 0
) -> keras.Model:
    """Build AGU-Net for volumes (x, y, z, ``channels``) of ``shape``; its outputs are one softmax per decoder level.

    ``momentum`` is that of the batch normalisation; the first ``flat_levels`` are halved in plane alone. Raises
    ``ValueError`` for a shape that cannot be halved.
    """
    factors = halvings(shape, len(features), flat_levels)
    layers = _Layers(momentum)
    volume = keras.Input((*shape, channels), name="volume")
    skips = _encode(layers, volume, features, factors)
    heads = []
    up = skips.pop()
    for level in reversed(range(len(features) - 1)):
        up = layers.decode(up, skips[level], features[level], factors[level], f"decoder{level}")
        # In 32 bits whatever the others compute in, and so is the loss.
        head = keras.layers.Conv3D(CLASSES, 1, activation="softmax", dtype="float32", name=f"head{level}")
        heads.append(head(up))
    return keras.Model(volume, heads[::-1], name="agunet")


def _encode(layers: _Layers, volume: Tensor, features: Sequence[int], factors: Sequence[tuple[int, ...]]) -> list[Any]:
    """Return the output of every level's block, the finest first."""
    skips = [layers.block(volume, features[0], "encoder0")]
    averaged = volume
    for level, factor in enumerate(factors, 1):
        down = keras.layers.MaxPooling3D(factor, name=f"down{level}")(skips[-1])
        averaged = keras.layers.AveragePooling3D(factor, name=f"average{level}")(averaged)
        if level < len(factors):
            name = f"{SCALE}{level}"
            scale = keras.layers.Conv3D(features[level], 3, padding="same", activation="relu", name=name)(averaged)
            down = keras.layers.Concatenate(name=f"join{level}")([scale, down])
        skips.append(layers.block(down, features[level], f"encoder{level}"))
    return skips


class _Layers:
    """Groups of layers that recur, with one momentum for all batch normalisation."""

    def __init__(self, momentum: float) -> None:
        self._momentum = momentum

    def block(self, tensor: Tensor, filters: int, name: str) -> Tensor:
        """Apply convolution 3x3x3, batch normalisation and ReLU twice."""
        for step in range(2):
            tensor = keras.layers.Conv3D(filters, 3, padding="same", name=f"{name}_conv{step}")(tensor)
            tensor = self._normalised_relu(tensor, f"{name}_norm{step}")
        return tensor

    def decode(self, below: Tensor, skip: Tensor, filters: int, factor: Sequence[int], name: str) -> Tensor:
        """Upsample the lower level, join it with the gated skip connection, and apply a block to both."""
        up = keras.layers.Conv3DTranspose(filters, 3, strides=tuple(factor), padding="same", name=f"{name}_up")(below)
        up = self._normalised_relu(up, f"{name}_up_norm")
        gated = self._gate(up, skip, filters, name)
        return self.block(keras.layers.Concatenate(name=f"{name}_join")([up, gated]), filters, name)

    def _gate(self, signal: Tensor, skip: Tensor, filters: int, name: str) -> Tensor:
        """Weigh the skip connection by an attention map (0-1) of both tensors, on the same grid."""
        parts = []
        for tensor, which in ((signal, "signal"), (skip, "skip")):
            part = keras.layers.Conv3D(filters // 2, 1, name=f"{name}_gate_{which}")(tensor)
            parts.append(self._normalised(part, f"{name}_gate_{which}_norm"))
        both = keras.layers.ReLU(name=f"{name}_gate_relu")(keras.layers.Concatenate(name=f"{name}_gate_join")(parts))
        attention = self._normalised(keras.layers.Conv3D(1, 1, name=f"{name}_gate")(both), f"{name}_gate_norm")
        attention = keras.layers.Activation("sigmoid", name=f"{name}_attention")(attention)
        return keras.layers.Multiply(name=f"{name}_gated")([skip, attention])

    def _normalised(self, tensor: Tensor, name: str) -> Tensor:
        return keras.layers.BatchNormalization(momentum=self._momentum, name=name)(tensor)

    def _normalised_relu(self, tensor: Tensor, name: str) -> Tensor:
        return keras.layers.ReLU(name=f"{name}_relu")(self._normalised(tensor, name))
