"""The file of a trained logistic network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from residua.networks.logistic.settings import LogisticSettings

from residua.networks.cases import Channel

FILES = ("weights.json",)


def misdescribed(described: Mapping[str, Any], settings: LogisticSettings, channels: Sequence[Channel]) -> str | None:
    """Fulfil ``residua.networks.contract.Misdescribed``."""
    return None if len(described[FILES[0]]) == len(channels) + 1 else FILES[0]
