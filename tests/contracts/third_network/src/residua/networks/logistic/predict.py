"""Probabilities of one or several logistic networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from residua.networks.logistic.train import WEIGHTS, stacked

from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.contract import Member, Predictor
from residua.preparation.brain_crop import Crop
from residua.publishing.publish import read_json

_Given = tuple[NDArray[np.float64], NDArray[np.bool_], Crop]
"""Channels of a case, its brain, and the place of both."""


def load(models: Sequence[Path]) -> Predictor:
    """Fulfil ``residua.networks.contract.Load``."""
    return Logistic([np.array(read_json(folder / WEIGHTS)) for folder in models])


class Logistic(Predictor):
    """Averages the probabilities of its models."""

    def __init__(self, weights: Sequence[NDArray[np.float64]]) -> None:
        """Keep the weights of each model."""
        self._weights = weights

    def read(self, case: PreparedCase) -> _Given:
        """Fulfil ``Predictor.read``."""
        with np.load(case.channels[0], allow_pickle=False) as stored:
            crop = Crop.from_json(json.loads(str(stored["crop"])))
        return (*stacked(case.channels), crop)

    def predict(self, given: _Given, member: Member | None = None) -> Image:
        """Fulfil ``Predictor.predict``."""
        volumes, brain, crop = given
        each = [1 / (1 + np.exp(-volumes @ weights)) * brain for weights in self._weights]
        for place, probability in enumerate(each if member else []):
            member(place, crop.restore(probability.astype(np.float32)))
        return crop.restore(np.mean(each, axis=0).astype(np.float32))
