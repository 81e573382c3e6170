"""Predict foreground probabilities with one or several trained AGU-Nets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from residua.images.volumes import Image
from residua.networks.agunet.framework import set_up
from residua.networks.agunet.model import built_from, finest_of, network_of
from residua.networks.agunet.names import WEIGHTS_FILE
from residua.networks.agunet.prepared import read_origin, read_stacked
from residua.networks.agunet.weights import assign
from residua.networks.cases import PreparedCase
from residua.networks.contract import Member


def load(models: Sequence[Path]) -> AGUNetEnsemble:
    """Fulfil ``residua.networks.contract.Load``."""
    set_up()
    return AGUNetEnsemble(models)


class AGUNetEnsemble:
    """Models of one training configuration; averages the softmax of their finest heads.

    One network takes the weights of each model in turn, because building a network costs more than filling it.
    """

    def __init__(self, models: Sequence[Path]) -> None:
        """Build the network and read the weights of the models in the folders ``models``."""
        self._network = network_of(built_from(models[0]))
        self._finest = finest_of(self._network)
        self._weights = {folder / WEIGHTS_FILE: load_file(folder / WEIGHTS_FILE) for folder in models}

    def __call__(self, case: PreparedCase, member: Member | None = None) -> Image:
        """Return the foreground probability (x, y, z) on the reference grid."""
        volume, origin = read_stacked(case.channels)[None], read_origin(case.channels[0])
        volume[..., list(case.lacking)] = 0
        total = np.zeros(volume.shape[1:4], dtype=np.float32)
        for place, (file, arrays) in enumerate(self._weights.items()):
            assign(self._network, arrays, file)
            probability = np.asarray(self._finest.predict_on_batch(volume))[0, ..., 1]
            total += probability
            if member:
                member(place, origin.restore(probability))
        return origin.restore(total / np.float32(len(self._weights)))
