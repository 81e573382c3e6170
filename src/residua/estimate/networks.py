"""How much a network computes: multiplications of a pass, steps of a training, windows of a prediction."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

from residua.operations.disk import BRAIN_BOX_MM
from residua.settings.network import NetworkSettings

BACK = 3
"""A step of training multiplies as often as three passes forward."""
VALIDATED = 0.4
"""What a step of validation takes of a step of training (docs/explanation/cost.md)."""
PATIENT_EPOCHS = 200
"""Epochs of a training that ends when it no longer gets better: a guess, 100 to 300."""


_MIRRORED = 8
"""Views of a window that is mirrored along each axis."""


@dataclass(frozen=True)
class Work:
    """What a training or a prediction computes: its multiplications in billions, and voxels read in millions."""

    billions: float
    fed_millions: float
    fed_at_once: float


def pass_billions(settings: NetworkSettings) -> float | None:
    """Return the multiplications, in billions, of one patch forward; None for a network without a list of filters."""
    own = settings.model_dump()
    if "features" not in own:
        return None
    features = own["features"]
    kernels = own.get("kernels") or [(3, 3, 3)] * len(features)
    strides = own.get("strides") or [(1, 1, 1), *[(2, 2, 2)] * (len(features) - 1)]
    further = own.get("convolutions_per_level", 2) - 1
    voxels, before, total = float(prod(_patch(settings))), 1, 0.0
    for level, (filters, kernel, stride) in enumerate(zip(features, kernels, strides, strict=True)):
        voxels /= prod(stride)
        down = before * filters + further * filters**2
        up = (2 + further) * filters**2 if level < len(features) - 1 else 0
        total += voxels * prod(kernel) * (down + up)
        before = filters
    return total / 1e9


def training_work(settings: NetworkSettings, patients: int, channels: int) -> Work | None:
    """Return what a training on so many ``patients`` computes; None for a network of which that is not known."""
    once = pass_billions(settings)
    if once is None:
        return None
    own = settings.model_dump()
    epochs, batch = own["epochs"], own["batch_size"]
    if "iterations_per_epoch" in own:
        samples = batch * (own["iterations_per_epoch"] + VALIDATED * own["validation_iterations_per_epoch"])
    else:
        samples = patients
        if own.get("patience_epochs", epochs) < epochs:
            epochs = min(epochs, PATIENT_EPOCHS)
    each = prod(_patch(settings)) * channels / 1e6
    return Work(BACK * once * epochs * samples, each * epochs * samples, each * batch)


def prediction_billions(settings: NetworkSettings) -> float | None:
    """Return the multiplications, in billions, with which one model predicts one patient."""
    once = pass_billions(settings)
    return None if once is None else once * _windows(settings)


def _windows(settings: NetworkSettings) -> int:
    own = settings.model_dump()
    if "tile_step" not in own:
        return 1
    box = [mm / spacing for mm, spacing in zip(BRAIN_BOX_MM, own["spacing_mm"], strict=True)]
    sides = zip(box, own["patch_size"], strict=True)
    windows: int = prod(1 + ceil(max(0.0, length - patch) / (patch * own["tile_step"])) for length, patch in sides)
    return windows * (_MIRRORED if getattr(settings, "mirrors", False) else 1)


def _patch(settings: NetworkSettings) -> tuple[int, ...]:
    own = settings.model_dump()
    return tuple(own.get("patch_size") or own["shape"])
