"""Name the files of a trained SegResNet, and describe it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from residua.networks.cases import Channel
from residua.networks.segresnet.settings import SegResNetSettings

WEIGHTS_FILE, NETWORK_FILE = "weights.safetensors", "network.json"
_BUILT_FROM = {"spacing_mm", "patch_size", "init_filters", "blocks_down", "blocks_up", "window_overlap"}


def description(settings: SegResNetSettings, channels: Sequence[Channel]) -> dict[str, Any]:
    """Return all that prediction needs to know of a trained network beside its weights."""
    built = settings.model_dump(mode="json", include=_BUILT_FROM)
    return {**built, "channels": [channel.name for channel in channels]}
