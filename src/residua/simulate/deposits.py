"""Deposits along the cavity's wall: residual tumour and blood.

Both are drawn by the same function from the same distributions of number and shape, so that form does not distinguish
them. Residual tumour lies where the tumour was, blood there or anywhere on the wall. The design gives their volumes.
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


@dataclass(frozen=True)
class Deposits:
    """Residual tumour and blood, and the infiltrated tissue (share of each point, 0-1) around some of them."""

    residual: Extent
    blood: Extent
    infiltrated: Field


@dataclass(frozen=True)
class _Piece:
    kind: str
    volume_ml: float
    anywhere: bool
    infiltration_mm: float


def lay_down(
    world: World, rng: np.random.Generator, wall: Wall, residual_tumor: bool, tumor_ml: float, disease: Disease
) -> Deposits:
    """Place residual tumour and blood along the wall."""
    pieces = _pieces(rng, residual_tumor, tumor_ml, disease)
    shares = {kind: np.zeros(world.shape, np.float32) for kind in ("residual", "blood", "infiltrated")}
    free = wall.tissue.copy()
    # The first deposit has the most free places, hence the random order.
    for index in rng.permutation(len(pieces)):
        piece = pieces[index]
        surface_mm = _deposit(world, rng, wall, free, piece)
        share = soft(surface_mm) * free
        shares[piece.kind] = np.maximum(shares[piece.kind], share)
        if piece.infiltration_mm:
            around = soft(surface_mm - np.float32(piece.infiltration_mm), 4.0) * wall.tissue
            shares["infiltrated"] = np.maximum(shares["infiltrated"], around)
        free &= share < 0.05
    residual, blood = (
        Extent(shares[kind], sum(piece.volume_ml for piece in pieces if piece.kind == kind))
        for kind in ("residual", "blood")
    )
    return Deposits(residual, blood, shares["infiltrated"])


def _pieces(rng: np.random.Generator, residual_tumor: bool, tumor_ml: float, disease: Disease) -> list[_Piece]:
    residual = _pieces_ml(rng, disease.residual, tumor_ml, disease)
    blood = _pieces_ml(rng, disease.blood, tumor_ml, disease)
    speck, speck_ml = rng.random() < disease.speck_probability, rng.uniform(*disease.speck_ml)
    if not residual_tumor:
        residual = [speck_ml] if speck else []
    if rng.random() > disease.blood_probability:
        blood = []
    around, pieces = disease.infiltration, []
    for kind, probability, anywhere, each in (
        ("residual", around.tumor_probability, 0.0, residual),
        ("blood", around.blood_probability, disease.blood_anywhere, blood),
    ):
        for volume_ml in each:
            infiltrated, reach_mm = rng.random() < probability, rng.uniform(*around.reach_mm)
            pieces.append(_Piece(kind, volume_ml, rng.random() < anywhere, reach_mm if infiltrated else 0.0))
    return pieces


def _pieces_ml(rng: np.random.Generator, volume: Volume, tumor_ml: float, disease: Disease) -> list[float]:
    smallest = disease.smallest_piece_ml
    total = max(min(volume.draw(rng), _LARGEST_SHARE * tumor_ml), volume.lowest_ml)
    near_limit, near_limit_ml = rng.random() < disease.near_limit_probability, rng.uniform(*disease.near_limit_ml)
    total = near_limit_ml if near_limit else total
    pieces = min(int(rng.integers(1, disease.most_pieces + 1)), max(int(total / (1.5 * smallest)), 1))
    split = rng.dirichlet(np.full(pieces, 6.0)) * max(total - pieces * smallest, 0.0)
    return [float(piece) for piece in split + min(smallest, total / pieces)]


def _deposit(world: World, rng: np.random.Generator, wall: Wall, free: NDArray[np.bool_], piece: _Piece) -> Field:
    """Place a flattened lump on the cavity's wall; return the distance from its surface in mm, about."""
    depth_mm = wall.cavity_mm - np.float32(rng.uniform(-0.5, 2.5))
    at_the_wall = np.abs(depth_mm) < world.step_mm
    # Around a small cavity few points may be free: then use points further away.
    first = (at_the_wall,) if piece.anywhere else (at_the_wall & wall.beside,)
    places = next(points for where in (*first, wall.beside, True) if len(points := np.argwhere(free & where)))
    seed = places[rng.integers(len(places))]
    x, y, z = (float(axis.ravel()[i]) for axis, i in zip(world.axes, seed, strict=True))
    along_mm = world.distance_to((x, y, z))
    flattening = np.float32(rng.uniform(1.0, 1.8))
    lump = np.sqrt(along_mm**2 + (flattening * depth_mm) ** 2) / np.float32(np.sqrt(1.0 + flattening**2 / 2.0))
    lump += np.float32(1.0) * world.noise(rng, 4.0) * np.minimum(along_mm / 4.0, 1.0)
    return np.asarray(lump - np.float32(level_of_volume(lump, free, round(piece.volume_ml / world.point_ml))))
