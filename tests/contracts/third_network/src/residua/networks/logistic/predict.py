"""Probabilities of one or several logistic networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from residua.networks.logistic.train import WEIGHTS, stacked

from residua.images.volumes import Image
from residua.networks.cases import PreparedCase
from residua.networks.contract import Member, Predictor
from residua.preparation.brain_crop import Crop
from residua.publishing.publish import read_json


def load(models: Sequence[Path]) -> Predictor:
    """Fulfil ``residua.networks.contract.Load``."""
    weights = [np.array(read_json(folder / WEIGHTS)) for folder in models]

    def predict(case: PreparedCase, member: Member | None = None) -> Image:
        volumes, brain = stacked(case.channels)
        each = [1 / (1 + np.exp(-volumes @ of_model)) * brain for of_model in weights]
        with np.load(case.channels[0], allow_pickle=False) as stored:
            crop = Crop.from_json(json.loads(str(stored["crop"])))
        for place, probability in enumerate(each if member else []):
            member(place, crop.restore(probability.astype(np.float32)))
        return crop.restore(np.mean(each, axis=0).astype(np.float32))

    return predict
