"""Name the files of a trained nnU-Net that prediction reads, and hold its description against the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from residua.networks.cases import Channel
from residua.networks.nnunet.plans import DATASET_FILE, INFERENCE, PLANS_FILE, WEIGHTS_FILE, make_dataset, make_plans
from residua.networks.nnunet.settings import NnUNetSettings

FILES = (PLANS_FILE, DATASET_FILE, WEIGHTS_FILE)


def misdescribed(described: Mapping[str, Any], settings: NnUNetSettings, channels: Sequence[Channel]) -> str | None:
    """Fulfil ``residua.networks.contract.Misdescribed``.

    nnU-Net imports and calls what its plans name, so these must be to the letter what the study writes.
    """
    if described[DATASET_FILE] != make_dataset(channels):
        return DATASET_FILE
    plans = described[PLANS_FILE]
    inference = plans.get(INFERENCE) if isinstance(plans, dict) else None
    axes = inference.get("mirror_axes") if isinstance(inference, dict) else None
    wanted = {**make_plans(settings, channels), INFERENCE: {"mirror_axes": axes, "tile_step": settings.tile_step}}
    return None if plans == wanted and axes in _mirrored(settings) else PLANS_FILE


def _mirrored(settings: NnUNetSettings) -> tuple[list[int] | None, ...]:
    return (None, [0, 1, 2]) if settings.mirrors else (None,)
