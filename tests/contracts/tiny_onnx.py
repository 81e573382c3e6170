"""A tiny network as ONNX, written by hand: softmax of background 0 against a weighted sum of the channels.

ONNX is a message of Protocol Buffers: each field is its number and kind, then a number or so many bytes. Field numbers
are those of onnx.proto3.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

_FLOAT, _INT, _LAST_AXIS = 1, 2, (1 << 64) - 1
SETTINGS = """[Default]
imaging_modality=MRI
training_backend=TF
[PreProcessing]
library=nibabel
output_spacing={spacing}
intensity_clipping_range=0,100
intensity_final_range=
background_cropping={cropping}
new_axial_size={shape}
slicing_plane=axial
swap_training_input=False
normalization_method=zeromean
number_inputs={channels}
[Training]
nb_classes=2
classes=Background,Structure
slab_size={slab}
deep_supervision={deep}
[MRI]
perform_bias_correction=False
"""


def linear_softmax(weights: Sequence[float], bias: float) -> bytes:
    """The network's bytes; its input is (batch, x, y, z, channels), its answer (batch, x, y, z, 2)."""
    channels = len(weights)
    axis = _text(1, "axis") + _number(3, _LAST_AXIS) + _number(20, _INT)
    graph = _text(1, _node("MatMul", ["input", "weights"], "sums"))
    graph += _text(1, _node("Add", ["sums", "bias"], "logits"))
    graph += _text(1, _node("Softmax", ["logits"], "output", _text(5, axis)))
    graph += _text(2, "tiny")
    graph += _text(5, _tensor("weights", [value for weight in weights for value in (0.0, weight)], [channels, 2]))
    graph += _text(5, _tensor("bias", [0.0, bias], [2]))
    graph += _text(11, _value("input", channels)) + _text(12, _value("output", 2))
    return _number(1, 8) + _text(7, graph) + _text(8, _text(1, "") + _number(2, 13))


def write_model(
    archive: Path, weights: Sequence[float], bias: float, shape: str, slab: int | str = "", cropping: str = ""
) -> Path:
    """An archive with the layout of the published models: two folds of one network, and their settings."""
    settings = SETTINGS.format(
        spacing="1.0,1.0,1.0", cropping=cropping, shape=shape, channels=len(weights), slab=slab, deep=not slab
    )
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("MRI_Tiny/pre_processing.ini", settings)
        for fold in (0, 1):
            packed.writestr(f"MRI_Tiny/{fold}/model.onnx", linear_softmax(weights, bias))
    return archive


def _varint(value: int) -> bytes:
    written = b""
    while value > 127:
        written += bytes([value & 127 | 128])
        value >>= 7
    return written + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, kind) + attributes


def _tensor(name: str, values: Sequence[float], shape: Sequence[int]) -> bytes:
    raw = struct.pack(f"<{len(values)}f", *values)
    return b"".join(_number(1, size) for size in shape) + _number(2, _FLOAT) + _text(8, name) + _text(9, raw)


def _value(name: str, channels: int) -> bytes:
    sizes = [*(_text(2, axis) for axis in ("n", "x", "y", "z")), _number(1, channels)]
    shape = b"".join(_text(1, size) for size in sizes)
    return _text(1, name) + _text(2, _text(1, _number(1, _FLOAT) + _text(2, shape)))
