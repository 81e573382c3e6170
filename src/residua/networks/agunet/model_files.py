"""Name the files of a trained AGU-Net that prediction reads, and hold its description against the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from residua.networks.agunet.names import NETWORK_FILE, WEIGHTS_FILE
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.cases import Channel

FILES = (NETWORK_FILE, WEIGHTS_FILE)
BUILT_FROM = {"shape", "features", "batch_normalization_momentum"}
"""The settings from which the layers are built."""


def built_for(settings: AGUNetSettings, channels: Sequence[Channel]) -> dict[str, Any]:
    """Return what the description of a network says of its layers."""
    built = settings.model_dump(mode="json", include=BUILT_FROM)
    names = [channel.name for channel in channels]
    return {**built, "features": list(settings.features_for(len(names))), "channels": names}


def misdescribed(described: Mapping[str, Any], settings: AGUNetSettings, channels: Sequence[Channel]) -> str | None:
    """Fulfil ``residua.networks.contract.Misdescribed``."""
    network = described[NETWORK_FILE]
    wanted = built_for(settings, channels)
    same = isinstance(network, dict) and all(network.get(key) == value for key, value in wanted.items())
    return None if same else NETWORK_FILE
