"""Foreground probabilities of one or several trained AGU-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from residua.images import Image
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras, set_up
from residua.networks.agunet.prepared import read_origin, read_stacked
from residua.networks.agunet.weights import NETWORK_FILE, WEIGHTS_FILE, assign
from residua.networks.contract import PreparedCase
from residua.publish import read_json


def load(models: Sequence[Path]) -> EnsemblePredictor:
    """The contract of ``residua.networks.contract.Load``."""
    set_up()
    return EnsemblePredictor(models)


class EnsemblePredictor:
    """Models of one training configuration; averages the softmax of their finest heads."""

    def __init__(self, models: Sequence[Path]) -> None:
        self._networks = [_finest(folder) for folder in models]

    def __call__(self, case: PreparedCase) -> Image:
        """Foreground probability (x, y, z) on the reference grid."""
        volume = read_stacked(case.channels)[None]
        cubes = [np.asarray(network.predict_on_batch(volume))[0, ..., 1] for network in self._networks]
        return read_origin(case.channels[0]).restore(np.mean(cubes, axis=0, dtype=np.float32))


def _finest(folder: Path) -> keras.Model:
    built = read_json(folder / NETWORK_FILE)
    momentum = built["batch_normalization_momentum"]
    network = build_network(built["shape"], len(built["channels"]), built["features"], momentum)
    assign(network, load_file(folder / WEIGHTS_FILE), folder / WEIGHTS_FILE)
    return keras.Model(network.inputs, network.outputs[0])
