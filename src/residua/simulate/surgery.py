"""What disease and surgery change: the tumour before, and the cavity with residual tumour and blood after.

Blood and residual tumour are drawn by the same function from the same distributions of volume, number, shape and place,
so that neither size, form nor position tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.simulate.anatomy import Head, Layer
from residua.simulate.world import Field, Point, World, level_of_volume, shell, soft

BLOOD_PROBABILITY = 0.95
SPECK_PROBABILITY = 0.3
"""How often a patient with gross total resection keeps a speck below the 0.175 ml of the article's definition."""
SPECK_ML = (0.08, 0.12)


@dataclass(frozen=True)
class Disease:
    """Layers to lay over a head before and after surgery, and the shares (0-1) from which the labels are made."""

    before: list[Layer]
    after: list[Layer]
    tumor_before: Field
    cavity: Field
    residual: Field
    blood: Field


def operate(world: World, rng: np.random.Generator, head: Head, gross_total: bool, least_ml: float) -> Disease:
    """A tumour of 15-50 ml, its resection cavity, blood in nearly every patient, and residual tumour unless GTR.

    A deposit of blood or tumour has at least ``least_ml``.
    """
    tissue = (head.brain_mm < -3.0) & (head.ventricles_mm > 2.0)
    shape = world.distance_to(_centre(rng)) + np.float32(3.0) * world.noise(rng, 9.0)
    tumor_ml = rng.uniform(15.0, 50.0)
    tumor_mm = shape - np.float32(level_of_volume(shape, tissue, round(tumor_ml / world.point_ml)))
    carved = tumor_mm + np.float32(1.5) * world.noise(rng, 8.0)
    cavity_points = round(rng.uniform(0.65, 0.95) * tumor_ml / world.point_ml)
    cavity_mm = carved - np.float32(level_of_volume(carved, tissue, cavity_points))
    within = soft(head.brain_mm + 2.0) * soft(1.0 - head.ventricles_mm)
    residual, blood = _remains(world, rng, cavity_mm, tissue, gross_total, least_ml)
    oedema = _oedema(world, rng, tumor_mm) * within
    cavity = soft(cavity_mm) * within
    rim = np.float32(rng.uniform(3.0, 6.0)) + world.noise(rng, 7.0)
    tumor = soft(tumor_mm) * within
    before: list[Layer] = [("oedema", oedema), ("tumor", tumor), ("necrosis", soft(tumor_mm + rim) * within)]
    after: list[Layer] = [("oedema", oedema), ("wall", shell(cavity_mm, 0.0, 2.0) * within), ("cavity", cavity)]
    after += [("tumor", residual), ("blood", blood)]
    return Disease(before, after, tumor, cavity, residual, blood)


def _centre(rng: np.random.Generator) -> Point:
    side = rng.choice([-1.0, 1.0])
    return float(side * rng.uniform(27.0, 36.0)), float(rng.uniform(-38.0, 36.0)), float(rng.uniform(2.0, 26.0))


def _oedema(world: World, rng: np.random.Generator, tumor_mm: Field) -> Field:
    reach_mm = np.float32(rng.uniform(5.0, 14.0)) + np.float32(5.0) * world.noise(rng, 10.0)
    return soft(tumor_mm - reach_mm, 6.0)


def _remains(
    world: World,
    rng: np.random.Generator,
    cavity_mm: Field,
    tissue: NDArray[np.bool_],
    gross_total: bool,
    least_ml: float,
) -> tuple[Field, Field]:
    volumes = {"residual": _volumes_ml(rng, least_ml), "blood": _volumes_ml(rng, least_ml)}
    if gross_total:
        speck = rng.random() < SPECK_PROBABILITY
        volumes["residual"] = [rng.uniform(*SPECK_ML)] if speck else []
    if rng.random() > BLOOD_PROBABILITY:
        volumes["blood"] = []
    wanted = [(kind, volume) for kind, each in volumes.items() for volume in each]
    shares: dict[str, Field] = {kind: np.zeros(world.shape, np.float32) for kind in volumes}
    free = tissue.copy()
    # Whichever is laid down first has the better choice of place, hence a random order.
    for index in rng.permutation(len(wanted)):
        kind, volume_ml = wanted[index]
        share = _deposit(world, rng, cavity_mm, free, volume_ml)
        shares[kind] = np.maximum(shares[kind], share)
        free &= share < 0.05
    return shares["residual"], shares["blood"]


def _volumes_ml(rng: np.random.Generator, least_ml: float) -> list[float]:
    total = float(np.clip(rng.lognormal(np.log(2.4), 0.5), max(1.0, least_ml), 6.0))
    pieces = min(int(rng.integers(1, 4)), max(int(total / (1.5 * least_ml)), 1))
    split = rng.dirichlet(np.full(pieces, 6.0)) * (total - pieces * least_ml) + least_ml
    return [float(piece) for piece in split]


def _deposit(
    world: World, rng: np.random.Generator, cavity_mm: Field, free: NDArray[np.bool_], volume_ml: float
) -> Field:
    """A flattened lump on the cavity's wall of ``volume_ml``, as the share of each point that it covers."""
    depth_mm = cavity_mm - np.float32(rng.uniform(-0.5, 2.5))
    wall = np.argwhere((np.abs(depth_mm) < world.step_mm) & free)
    seed = wall[rng.integers(len(wall))]
    x, y, z = (float(axis.ravel()[i]) for axis, i in zip(world.axes, seed, strict=True))
    along_mm = world.distance_to((x, y, z))
    flattening = np.float32(rng.uniform(1.0, 1.8))
    lump = np.sqrt(along_mm**2 + (flattening * depth_mm) ** 2) / np.float32(np.sqrt(1.0 + flattening**2 / 2.0))
    lump += np.float32(1.0) * world.noise(rng, 4.0) * np.minimum(along_mm / 4.0, 1.0)
    level = level_of_volume(lump, free, round(volume_ml / world.point_ml))
    return soft(lump - np.float32(level)) * free
