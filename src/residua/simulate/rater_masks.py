"""Draw the masks of raters, who err at the border, overlook small remnants, and take other things for tumour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.cohort.table.expertise import Expertise
from residua.simulate.design import Design, Habits

Mask = NDArray[np.bool_]

_WOBBLE_SCALE_MM = 3.0
_REACH_MM = 12.0
"""Distance from the cavity, blood and residual tumour beyond which raters draw nothing."""
_STEEPNESS = 2.0
"""Exponent of the volume in the odds that a remnant is seen."""


@dataclass(frozen=True)
class Rater:
    """A rater: the habits of the expertise, and the rater's own offset of the border in mm."""

    name: str
    expertise: Expertise
    habits: Habits
    offset_mm: float


@dataclass(frozen=True)
class Scene:
    """What raters look at: masks (x, y, z) of residual tumour, of its surroundings, and of what resembles it."""

    residual: Mask
    cavity: Mask
    blood: Mask
    vessel: Mask
    wall: Mask
    spacing_mm: tuple[float, float, float]

    def box(self) -> tuple[slice, ...]:
        """Return the surroundings of cavity, blood and residual tumour; outside them no rater draws."""
        somewhere = self.cavity | self.blood | self.residual
        boxes = ndimage.find_objects(somewhere.astype(np.uint8)) or [tuple(slice(0, 0) for _ in somewhere.shape)]
        return tuple(
            slice(max(int(side.start - _REACH_MM / step), 0), int(side.stop + _REACH_MM / step) + 1)
            for side, step in zip(boxes[0], self.spacing_mm, strict=True)
        )

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in ml."""
        return float(np.prod(self.spacing_mm)) / 1000.0


def raters_of(design: Design) -> Iterator[Rater]:
    """Yield the raters of a design; the offsets of those of one expertise are evenly spaced."""
    for expertise, habits in design.raters.items():
        for number, offset_mm in enumerate(np.linspace(*habits.border_mm, habits.raters), start=1):
            yield Rater(f"{expertise}{number}", expertise, habits, float(offset_mm))


def rate(rng: np.random.Generator, rater: Rater, scene: Scene) -> Mask:
    """Draw the rater's mask (x, y, z) of residual tumour."""
    drawn, near = np.zeros_like(scene.residual), scene.box()
    seen = _noticed(rng, scene.residual[near], scene.voxel_ml, rater.habits.half_missed_ml)
    for kind, probability in _mistakes(rater.habits).items():
        mistaken, part_ml = rng.random() < probability, rng.uniform(*rater.habits.mistaken_ml)
        part = _part(rng, getattr(scene, kind)[near], round(part_ml / scene.voxel_ml), scene.spacing_mm)
        if mistaken:
            seen |= part
    if seen.any():
        drawn[near] = _outlined(rng, rater, seen, scene.spacing_mm)
    return drawn


def _mistakes(habits: Habits) -> Mapping[str, float]:
    return {"blood": habits.blood_probability, "vessel": habits.vessel_probability, "wall": habits.wall_probability}


def _noticed(rng: np.random.Generator, residual: Mask, voxel_ml: float, half_missed_ml: float) -> Mask:
    """Return the remnants that the rater sees: the smaller a remnant, the more easily it is overlooked."""
    pieces, count = ndimage.label(residual, np.ones((3, 3, 3)))
    volumes_ml = np.bincount(pieces.ravel(), minlength=count + 1)[1:] * voxel_ml
    missed = 1.0 / (1.0 + (volumes_ml / max(half_missed_ml, 1e-6)) ** _STEEPNESS)
    return np.asarray(np.array([False, *(rng.random(count) >= missed)])[pieces])


def _part(rng: np.random.Generator, mask: Mask, voxels: int, spacing_mm: tuple[float, float, float]) -> Mask:
    """Return the ``voxels`` of a mask that are nearest to a random one of them."""
    places, part = np.argwhere(mask), np.zeros_like(mask)
    if voxels and len(places):
        middle = places[rng.integers(len(places))]
        away = np.linalg.norm((places - middle) * np.asarray(spacing_mm), axis=1)
        part[tuple(places[np.argsort(away, kind="stable")[:voxels]].T)] = True
    return part


def _outlined(rng: np.random.Generator, rater: Rater, seen: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    """Return what the rater sees with the rater's border."""
    outside = ndimage.distance_transform_edt(~seen, sampling=spacing_mm)
    inside = ndimage.distance_transform_edt(seen, sampling=spacing_mm)
    # Distances are between voxel centres: the boundary lies half a voxel before the nearest one.
    half_mm = np.mean(spacing_mm) / 2.0
    distance = np.where(seen, half_mm - inside, outside - half_mm)
    scales = [_WOBBLE_SCALE_MM / step for step in spacing_mm]
    wobble = ndimage.gaussian_filter(rng.standard_normal(seen.shape, dtype=np.float32), scales)
    wobble *= rater.habits.wobble_mm / wobble.std()
    offset_mm = rater.offset_mm + rater.habits.patient_mm * rng.standard_normal()
    return np.asarray(distance < offset_mm + wobble)
