"""The stages of a network, found by its name."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from residua.networks.contract import Load, Prepare, Train
from residua.preparation.target_grid import TargetGrid


def target_grid_of(arch: str) -> TargetGrid:
    """The grid of what ``arch`` prepares; imports no framework."""
    return cast(TargetGrid, import_module(f"residua.networks.{arch}.target").target_grid)


def prepare_of(arch: str) -> Prepare:
    """How ``arch`` prepares a channel; imports its framework."""
    return cast(Prepare, import_module(f"residua.networks.{arch}.prepare").prepare)


def train_of(arch: str) -> Train:
    """How ``arch`` is trained; imports its framework."""
    return cast(Train, import_module(f"residua.networks.{arch}.train").train)


def load_of(arch: str) -> Load:
    """How trained models of ``arch`` are loaded; imports its framework."""
    return cast(Load, import_module(f"residua.networks.{arch}.predict").load)
