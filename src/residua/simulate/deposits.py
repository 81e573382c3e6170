"""Deposits along the cavity's wall: residual tumour and blood.

Both are drawn by the same function from the same distributions of number, shape and place, so that neither form nor
position distinguishes them. The design gives their volumes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.simulate.design import Disease, Volume
from residua.simulate.world import Field, World, level_of_volume, soft

_LARGEST_SHARE = 0.5
"""Largest share of the tumour before surgery that can remain."""


@dataclass(frozen=True)
class Wall:
    """The cavity's surface (signed distance in mm, x, y, z), points beside the tumour, points that may be covered."""

    cavity_mm: Field
    beside: NDArray[np.bool_]
    tissue: NDArray[np.bool_]


@dataclass(frozen=True)
class Extent:
    """The covered share of each point (0-1) and the volume."""

    share: Field
    volume_ml: float


def lay_down(
    world: World, rng: np.random.Generator, wall: Wall, residual_tumor: bool, tumor_ml: float, disease: Disease
) -> dict[str, Extent]:
    """Place residual tumour and blood along the wall."""
    volumes = {
        "residual": _pieces_ml(rng, disease.residual, tumor_ml, disease),
        "blood": _pieces_ml(rng, disease.blood, tumor_ml, disease),
    }
    speck, speck_ml = rng.random() < disease.speck_probability, rng.uniform(*disease.speck_ml)
    if not residual_tumor:
        volumes["residual"] = [speck_ml] if speck else []
    if rng.random() > disease.blood_probability:
        volumes["blood"] = []
    wanted = [(kind, volume) for kind, each in volumes.items() for volume in each]
    shares: dict[str, Field] = {kind: np.zeros(world.shape, np.float32) for kind in volumes}
    free = wall.tissue.copy()
    # The first deposit has the most free places, hence the random order.
    for index in rng.permutation(len(wanted)):
        kind, volume_ml = wanted[index]
        share = _deposit(world, rng, wall, free, volume_ml)
        shares[kind] = np.maximum(shares[kind], share)
        free &= share < 0.05
    return {kind: Extent(share, sum(volumes[kind])) for kind, share in shares.items()}


def _pieces_ml(rng: np.random.Generator, volume: Volume, tumor_ml: float, disease: Disease) -> list[float]:
    smallest = disease.smallest_piece_ml
    total = max(min(volume.draw(rng), _LARGEST_SHARE * tumor_ml), volume.lowest_ml)
    pieces = min(int(rng.integers(1, disease.most_pieces + 1)), max(int(total / (1.5 * smallest)), 1))
    split = rng.dirichlet(np.full(pieces, 6.0)) * max(total - pieces * smallest, 0.0)
    return [float(piece) for piece in split + min(smallest, total / pieces)]


def _deposit(world: World, rng: np.random.Generator, wall: Wall, free: NDArray[np.bool_], volume_ml: float) -> Field:
    """Place a flattened lump of ``volume_ml`` on the cavity's wall; return the covered share of each point."""
    depth_mm = wall.cavity_mm - np.float32(rng.uniform(-0.5, 2.5))
    at_the_wall = np.abs(depth_mm) < world.step_mm
    # Around a small cavity few points may be free: then use points further away.
    places = next(
        points for where in (at_the_wall & wall.beside, wall.beside, True) if len(points := np.argwhere(free & where))
    )
    seed = places[rng.integers(len(places))]
    x, y, z = (float(axis.ravel()[i]) for axis, i in zip(world.axes, seed, strict=True))
    along_mm = world.distance_to((x, y, z))
    flattening = np.float32(rng.uniform(1.0, 1.8))
    lump = np.sqrt(along_mm**2 + (flattening * depth_mm) ** 2) / np.float32(np.sqrt(1.0 + flattening**2 / 2.0))
    lump += np.float32(1.0) * world.noise(rng, 4.0) * np.minimum(along_mm / 4.0, 1.0)
    level = level_of_volume(lump, free, round(volume_ml / world.point_ml))
    return soft(lump - np.float32(level)) * free
