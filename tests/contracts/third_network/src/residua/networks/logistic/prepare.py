"""One channel, cropped to the brain and normalised within it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from residua.networks.logistic.settings import LogisticPreparation

from residua.preparation.brain_crop import crop_to_brain
from residua.preparation.cases import ChannelCase


def prepare(cases: Sequence[ChannelCase], is_label: bool, settings: LogisticPreparation, out: Path) -> None:
    """Fulfil ``residua.networks.contract.Prepare``."""
    for case in cases:
        cropped, brain, crop = crop_to_brain(case)
        values = cropped[brain]
        channel = cropped if is_label else (cropped - values.mean()) / max(float(values.std()), 1e-6)
        record = np.array(json.dumps(crop.to_json()))
        np.savez(out / f"{case.patient}.npz", channel=channel * brain, brain=brain, crop=record)
