"""Build a SegResNet from its settings, or a trained one from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.networks.nets.segresnet import SegResNet

from residua.networks.segresnet.names import NETWORK_FILE, WEIGHTS_FILE
from residua.networks.segresnet.settings import GROUPS
from residua.networks.torch_weights import load_weights
from residua.publishing.publish import read_json

CLASSES = 2
"""Background and residual tumour."""


def build_network(described: Mapping[str, Any], dropout: float = 0.0) -> SegResNet:
    """Build the network that a description describes, with random weights; it gives logits."""
    return SegResNet(
        spatial_dims=3,
        init_filters=described["init_filters"],
        in_channels=len(described["channels"]),
        out_channels=CLASSES,
        dropout_prob=dropout or None,
        norm=("GROUP", {"num_groups": GROUPS}),
        blocks_down=tuple(described["blocks_down"]),
        blocks_up=tuple(described["blocks_up"]),
    )


def trained(folder: Path) -> tuple[SegResNet, dict[str, Any]]:
    """Return the trained network in ``folder``, ready to predict, and its description."""
    described: dict[str, Any] = read_json(folder / NETWORK_FILE)
    network = build_network(described)
    load_weights(network, folder / WEIGHTS_FILE, NETWORK_FILE)
    return network.eval().requires_grad_(False), described
