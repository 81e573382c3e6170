"""What enhances near the cavity and is no tumour: vessels, and pia with dura near the opening.

On T1w-CE and T1w they look as residual tumour does: bright with contrast agent, dark without. Their form and place
distinguish them, and that they are dark on FLAIR.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from residua.simulate.anatomy import Layer
from residua.simulate.design import Disease
from residua.simulate.world import Field, World, level_of_volume, soft

_NEAR_MM = (2.0, 10.0)
"""Distances from the cavity at which vessels begin."""
_HALF_LENGTH_MM = (5.0, 12.0)
_OPENING_MM = 15.0
"""Largest distance of enhancing pia from the cavity."""
_FLATTENING = 4.0


def draw_mimics(
    world: World, rng: np.random.Generator, cavity_mm: Field, brain_mm: Field, taken: Field, disease: Disease
) -> list[Layer]:
    """Draw vessels and a sheet of pia outside the cavity, where no residual tumour or blood is (``taken``)."""
    low, high = _NEAR_MM
    free = (cavity_mm > 1.0) & (brain_mm < 2.0) & (taken < 0.05)
    starts = np.argwhere(free & (cavity_mm > low) & (cavity_mm < high) & (brain_mm < -2.0))
    vessels = np.zeros(world.shape, np.float32)
    for _ in range(rng.integers(*disease.vessels, endpoint=True)):
        volume_ml = rng.uniform(*disease.vessel_ml)
        if len(starts):
            vessels = np.maximum(vessels, _filled(world, _tube(world, rng, starts), free, volume_ml))
    present, volume_ml = rng.random() < disease.pia_probability, rng.uniform(*disease.pia_ml)
    opening = np.argwhere(free & (np.abs(brain_mm) < world.step_mm) & (cavity_mm < _OPENING_MM))
    pia = np.zeros(world.shape, np.float32)
    if present and len(opening):
        sheet = np.hypot(_away(world, opening[rng.integers(len(opening))]), np.float32(_FLATTENING) * brain_mm)
        pia = _filled(world, sheet / np.float32(_FLATTENING), free, volume_ml)
    return [("pia", pia), ("vessel", vessels)]


def _filled(world: World, shape_mm: Field, free: NDArray[np.bool_], volume_ml: float) -> Field:
    level = level_of_volume(shape_mm, free, round(volume_ml / world.point_ml))
    return soft(shape_mm - np.float32(level)) * free


def _tube(world: World, rng: np.random.Generator, starts: NDArray[np.int64]) -> Field:
    """Return the distance (mm) from a bent line that passes through one of ``starts``."""
    direction = rng.standard_normal(3)
    direction /= np.linalg.norm(direction)
    offsets = _offsets(world, starts[rng.integers(len(starts))])
    along = sum(offset * np.float32(d) for offset, d in zip(offsets, direction, strict=True))
    beyond = np.maximum(np.abs(along) - np.float32(rng.uniform(*_HALF_LENGTH_MM)), 0.0)
    across = [
        offset - along * np.float32(d) + np.float32(1.5) * np.sin(along / np.float32(rng.uniform(3.0, 6.0)))
        for offset, d in zip(offsets, direction, strict=True)
    ]
    return np.asarray(np.sqrt(sum(each**2 for each in across) + beyond**2))


def _away(world: World, place: NDArray[np.int64]) -> Field:
    return np.asarray(np.sqrt(sum(offset**2 for offset in _offsets(world, place))))


def _offsets(world: World, place: NDArray[np.int64]) -> list[Field]:
    return [axis - axis.ravel()[i] for axis, i in zip(world.axes, place, strict=True)]
