"""Name the files of a trained SegResNet that prediction reads, and hold its description against the settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from residua.networks.cases import Channel
from residua.networks.segresnet.names import NETWORK_FILE, WEIGHTS_FILE, description
from residua.networks.segresnet.settings import SegResNetSettings

FILES = (NETWORK_FILE, WEIGHTS_FILE)


def misdescribed(described: Mapping[str, Any], settings: SegResNetSettings, channels: Sequence[Channel]) -> str | None:
    """Fulfil ``residua.networks.contract.Misdescribed``."""
    return None if described[NETWORK_FILE] == description(settings, channels) else NETWORK_FILE
