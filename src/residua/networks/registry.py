"""Find the stages and the settings of a network by its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, cast

from residua.images.volumes import Grid
from residua.networks.contract import Load, MakePlan, Misdescribed, Prepare, TargetGrid, Train
from residua.preparation.brain_crop import Crop
from residua.settings.base import Frozen
from residua.settings.network import NetworkSettings


def settings_of(arch: str) -> type[NetworkSettings]:
    """Return the settings model of ``arch``; this imports no framework."""
    return cast(type[NetworkSettings], import_module(f"residua.networks.{arch}.settings").SETTINGS)


def target_grid_of(arch: str, settings: Frozen) -> Callable[[Crop], Grid]:
    """Return the function from a crop to the grid on which ``arch`` prepares it; this imports no framework.

    ``settings`` are an instance of the ``preparation_model`` of the network's settings.
    """
    target_grid = cast(TargetGrid[Any], import_module(f"residua.networks.{arch}.target").target_grid)
    return partial(target_grid, settings=settings)


def plan_of(arch: str) -> MakePlan:
    """Return the function that plans ``arch``; this imports its framework."""
    return cast(MakePlan, import_module(f"residua.networks.{arch}.planner").make_plan)


def prepare_of(arch: str) -> Prepare[Any]:
    """Return the function that prepares a channel for ``arch``; this imports its framework."""
    return cast(Prepare[Any], import_module(f"residua.networks.{arch}.prepare").prepare)


def train_of(arch: str) -> Train[Any]:
    """Return the function that trains ``arch``; this imports its framework."""
    return cast(Train[Any], import_module(f"residua.networks.{arch}.train").train)


def load_of(arch: str) -> Load:
    """Return the function that loads trained models of ``arch``; this imports its framework."""
    return cast(Load, import_module(f"residua.networks.{arch}.predict").load)


def model_files_of(arch: str) -> tuple[str, ...]:
    """Return the names of the files of a trained model that ``load`` reads; this imports no framework."""
    return cast(tuple[str, ...], import_module(f"residua.networks.{arch}.model_files").FILES)


def misdescribed_of(arch: str) -> Misdescribed[Any]:
    """Return the function that holds a model's description against the settings; this imports no framework."""
    return cast(Misdescribed[Any], import_module(f"residua.networks.{arch}.model_files").misdescribed)
