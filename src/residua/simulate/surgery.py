"""Changes by disease and surgery: the tumour before, and the cavity with residual tumour and blood after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.simulate.anatomy import HeadModel, Layer
from residua.simulate.deposits import Extent, Wall, lay_down
from residua.simulate.design import Disease, Volume
from residua.simulate.mimics import draw_mimics
from residua.simulate.shift import Shift, draw_shift
from residua.simulate.world import Field, Point, World, joined, level_of_volume, shell, soft

_BESIDE_MM = 3.0
"""Largest distance of residual tumour from the former tumour: none lies along the corridor to it."""


@dataclass(frozen=True)
class Operation:
    """Layers before and after surgery, and the extents from which the labels are made.

    ``before`` and ``tumor`` lie in the head before surgery. That head with ``spared`` is moved by ``shift`` and covered
    by ``after``; cavity, residual tumour and blood lie in the moved head, too.
    """

    before: list[Layer]
    spared: list[Layer]
    after: list[Layer]
    shift: Shift
    tumor: Extent
    cavity: Field
    residual: Extent
    blood: Extent


@dataclass(frozen=True)
class _Tumor:
    centre: Point
    volume_ml: float
    surface_mm: Field
    oedema: Field


def operate(
    world: World, rng: np.random.Generator, head: HeadModel, residual_tumor: bool, disease: Disease
) -> Operation:
    """Draw a tumour, its resection cavity, blood in most patients, and residual tumour or at most a speck of it."""
    brain_mm = head.brain.brain_mm
    tumor = _grow(world, rng, head, disease.tumor)
    radius_mm = (tumor.volume_ml * 1000.0 * 3.0 / (4.0 * np.pi)) ** (1.0 / 3.0)
    shift = draw_shift(world, rng, brain_mm, tumor.centre, radius_mm, rng.uniform(*disease.shift_mm))
    way_out = _outwards(world, tumor.centre)
    resected = _resected(world, rng, head, tumor, rng.uniform(*disease.removed), way_out)
    cavity_mm, ventricles_mm = shift.pulled(resected), shift.pulled(head.brain.ventricles_mm)
    # The shift does not move the brain's surface.
    within = _within(brain_mm, ventricles_mm)
    wall = Wall(cavity_mm, shift.pulled(tumor.surface_mm) < _BESIDE_MM, _free(brain_mm, ventricles_mm))
    remains = lay_down(world, rng, wall, residual_tumor, tumor.volume_ml, disease)
    residual, clots = remains.residual, remains.blood
    cavity = soft(cavity_mm) * within * (1.0 - residual.share) * (1.0 - clots.share)
    air, settled = levels(world, rng, cavity, disease)
    bone = _flap(world, rng, brain_mm, way_out)
    mimics = draw_mimics(world, rng, cavity_mm, brain_mm, np.maximum(residual.share, clots.share), disease)
    before = _before(world, rng, tumor, brain_mm, head.brain.ventricles_mm)
    after: list[Layer] = [("wall", shell(cavity_mm, 0.0, 2.0) * within), ("cavity", cavity), ("cavity", bone)]
    after += [*mimics, ("tumor", residual.share), ("blood", clots.share), ("blood", settled), ("air", air)]
    return Operation(
        before=before,
        spared=before[:1],
        after=[("infiltrated", remains.infiltrated), *after],
        shift=shift,
        tumor=Extent(before[1][1], tumor.volume_ml),
        cavity=cavity,
        residual=residual,
        blood=Extent(np.maximum(clots.share, settled), clots.volume_ml + float(settled.sum()) * world.point_ml),
    )


def _grow(world: World, rng: np.random.Generator, head: HeadModel, volume: Volume) -> _Tumor:
    brain = head.brain
    tissue = _free(brain.brain_mm, brain.ventricles_mm)
    # In the white matter of a hemisphere, above the tentorium, which falls towards the front.
    above = world.axes[2] > np.where(world.axes[1] < -15.0, 0.0, -24.0)
    deep = (brain.brain_mm < -14.0) & (brain.ventricles_mm > 8.0) & (np.abs(brain.midline_mm) > 18.0)
    places = np.argwhere(deep & above & (brain.wm > 0.5))
    place = places[rng.integers(len(places))]
    x, y, z = (float(axis.ravel()[i]) for axis, i in zip(world.axes, place, strict=True))
    shape = world.distance_to((x, y, z)) + np.float32(3.0) * world.noise(rng, 9.0)
    volume_ml = volume.draw(rng)
    surface_mm = shape - np.float32(level_of_volume(shape, tissue, round(volume_ml / world.point_ml)))
    reach_mm = np.float32(rng.uniform(5.0, 14.0)) + np.float32(5.0) * world.noise(rng, 10.0)
    return _Tumor((x, y, z), volume_ml, surface_mm, soft(surface_mm - reach_mm, 6.0))


def _before(
    world: World, rng: np.random.Generator, tumor: _Tumor, brain_mm: Field, ventricles_mm: Field
) -> list[Layer]:
    within = _within(brain_mm, ventricles_mm)
    rim_mm = np.float32(rng.uniform(3.0, 6.0)) + world.noise(rng, 7.0)
    return [
        ("oedema", tumor.oedema * within),
        ("tumor", soft(tumor.surface_mm) * within),
        ("necrosis", soft(tumor.surface_mm + rim_mm) * within),
    ]


def _resected(
    world: World, rng: np.random.Generator, head: HeadModel, tumor: _Tumor, removed: float, way_out: tuple[Field, Field]
) -> Field:
    """Return the cavity's surface before the brain moves: most of the tumour, and the corridor to it."""
    brain = head.brain
    tissue = _free(brain.brain_mm, brain.ventricles_mm)
    carved = tumor.surface_mm + np.float32(1.5) * world.noise(rng, 8.0)
    cavity_mm = carved - np.float32(level_of_volume(carved, tissue, round(removed * tumor.volume_ml / world.point_ml)))
    along_mm, across_mm = way_out
    corridor = np.maximum(across_mm - np.float32(rng.uniform(4.0, 7.0)) - world.noise(rng, 8.0), -along_mm)
    return joined(cavity_mm, corridor, 6.0)


def _outwards(world: World, centre: Point) -> tuple[Field, Field]:
    """Return the distance (mm) of each point from a centre along the way out of the head, and across it."""
    direction = np.array([centre[0], 0.6 * centre[1], max(centre[2], -5.0)])
    direction /= np.linalg.norm(direction)
    offsets = [axis - np.float32(c) for axis, c in zip(world.axes, centre, strict=True)]
    along = sum(offset * np.float32(d) for offset, d in zip(offsets, direction, strict=True))
    squared = sum(offset**2 for offset in offsets)
    return np.asarray(along), np.sqrt(np.maximum(squared - along**2, 0.0))


def _flap(world: World, rng: np.random.Generator, brain_mm: Field, way_out: tuple[Field, Field]) -> Field:
    """Return the cut around the piece of skull that was removed and replaced."""
    along_mm, across_mm = way_out
    radius_mm = np.float32(rng.uniform(22.0, 32.0)) + world.noise(rng, 25.0)
    return soft(np.abs(across_mm - radius_mm) - np.float32(0.8)) * shell(brain_mm, 3.2, 9.5) * soft(-along_mm)


def levels(world: World, rng: np.random.Generator, cavity: Field, disease: Disease) -> tuple[Field, Field]:
    """Draw air that rises to the front of a patient lying on the back, and blood that settles at the back."""
    shares: list[Field] = []
    for probability, front in ((disease.air_probability, True), (disease.blood_level_probability, False)):
        present, part = rng.random() < probability, rng.uniform(*disease.level_share)
        order = slice(None, None, -1 if front else 1)
        filled = np.cumsum(cavity.sum(axis=(0, 2))[order], dtype=np.float64)
        if not present or not filled[-1]:
            shares.append(np.zeros(world.shape, np.float32))
            continue
        row = int(np.searchsorted(filled, part * filled[-1]))
        level = world.axes[1].ravel()[order][row]
        height_mm = (world.axes[1] - level) * np.float32(-1.0 if front else 1.0)
        shares.append(cavity * soft(height_mm, world.step_mm))
    return shares[0], shares[1]


def _free(brain_mm: Field, ventricles_mm: Field) -> NDArray[np.bool_]:
    """Return the points where disease may be: in the brain, below its surface, outside the ventricles."""
    return np.asarray((brain_mm < -3.0) & (ventricles_mm > 2.0))


def _within(brain_mm: Field, ventricles_mm: Field) -> Field:
    """Return the share of each point that disease may cover."""
    return soft(brain_mm + 2.0) * soft(1.0 - ventricles_mm)
