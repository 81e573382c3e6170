"""The networks of the study, each a module with the same contract."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from residua.networks.contract import Network


def network(arch: str) -> Network:
    """The network named ``arch``; imports its framework."""
    return cast(Network, import_module(f"residua.networks.{arch}").NETWORK)
