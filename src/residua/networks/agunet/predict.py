"""Predict foreground probabilities with one or several trained AGU-Nets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from residua.networks.agunet.framework import set_up
from residua.networks.agunet.model import built_from, finest_of, network_of
from residua.networks.agunet.names import WEIGHTS_FILE
from residua.networks.agunet.prepared import Origin, read_origin, read_stacked
from residua.networks.agunet.weights import assign
from residua.networks.cases import PreparedCase
from residua.networks.contract import Output, Predictor

_Given = tuple[NDArray[np.float32], Origin]
"""Channels of a case (1, x, y, z, channels), and their place."""


def load(models: Sequence[Path]) -> AGUNetEnsemble:
    """Fulfil ``residua.networks.contract.Load``."""
    import tensorflow as tf

    set_up()
    return AGUNetEnsemble(models, on_card=bool(tf.config.list_physical_devices("GPU")))


class AGUNetEnsemble(Predictor):
    """Models of one training configuration; averages the softmax of their finest heads.

    One network takes the weights of each model in turn, because building a network costs more than filling it.
    """

    def __init__(self, models: Sequence[Path], on_card: bool) -> None:
        """Build the network and read the weights of the models in the folders ``models``."""
        self.on_card = on_card
        self._network = network_of(built_from(models[0]))
        self._finest = finest_of(self._network)
        self._weights = {folder / WEIGHTS_FILE: load_file(folder / WEIGHTS_FILE) for folder in models}

    def read(self, case: PreparedCase) -> _Given:
        """Fulfil ``Predictor.read``."""
        volume = read_stacked(case.channels)[None]
        volume[..., list(case.lacking)] = 0
        return volume, read_origin(case.channels[0])

    def outputs(self, given: _Given) -> Iterator[Output]:
        """Fulfil ``Predictor.outputs``; cubes are averaged before they are resized."""
        volume, origin = given
        for file, arrays in self._weights.items():
            assign(self._network, arrays, file)
            probability = np.asarray(self._finest.predict_on_batch(volume))[0, ..., 1]
            yield Output(partial(np.asarray, probability), origin.restore)
