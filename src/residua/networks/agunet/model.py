"""Build a trained AGU-Net from its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
from residua.networks.agunet.names import NETWORK_FILE, WEIGHTS_FILE
from residua.networks.agunet.weights import assign
from residua.publishing.publish import read_json


def built_from(folder: Path) -> dict[str, Any]:
    """Return the description of the trained network in ``folder``."""
    built: dict[str, Any] = read_json(folder / NETWORK_FILE)
    return built


def network_of(built: Mapping[str, Any]) -> keras.Model:
    """Build the network that a description describes, with random weights and a softmax per level."""
    momentum = built["batch_normalization_momentum"]
    return build_network(built["shape"], len(built["channels"]), built["features"], momentum)


def finest_of(network: keras.Model) -> keras.Model:
    """Return the network with its finest softmax alone, which is what prediction uses."""
    return without_xla(keras.Model(network.inputs, network.outputs[0], name=network.name))


def without_xla(network: keras.Model) -> keras.Model:
    """Return the network, whose predictions Keras would otherwise compile to XLA by itself where it sees a GPU."""
    network.jit_compile = False
    return network


def trained(folder: Path) -> keras.Model:
    """Return the trained network in ``folder`` with its finest softmax alone."""
    network = network_of(built_from(folder))
    assign(network, load_file(folder / WEIGHTS_FILE), folder / WEIGHTS_FILE)
    return finest_of(network)
