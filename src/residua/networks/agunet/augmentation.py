"""Vary a training sample: flips, a rotation in the axial plane, a shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.networks.agunet.settings import AGUNetSettings

HORIZONTAL, VERTICAL = 0, 1


@dataclass(frozen=True)
class Variation:
    """Variation of one sample: flipped axes, rotation about z in radians, shift as a fraction of each axis."""

    flipped: tuple[int, ...]
    angle: float
    shift: tuple[float, float, float]

    @property
    def moves(self) -> bool:
        """Whether voxels change place other than by flips."""
        return self.angle != 0.0 or any(self.shift)


def draw_variation(rng: np.random.Generator, settings: AGUNetSettings) -> Variation:
    """Draw a variation, each part of it with its own probability."""
    flipped = tuple(axis for axis in (HORIZONTAL, VERTICAL) if rng.random() < settings.flip_probability)
    rotates = rng.random() < settings.rotation_probability
    largest = np.deg2rad(settings.rotation_degrees)
    angle = float(rng.uniform(-largest, largest)) if rotates else 0.0
    shifts = rng.random() < settings.translation_probability
    fraction = settings.translation_fraction
    x, y, z = (float(s) for s in rng.uniform(-fraction, fraction, 3)) if shifts else (0.0, 0.0, 0.0)
    return Variation(flipped, angle, (x, y, z))


def varied(volume: NDArray[Any], variation: Variation, is_label: bool) -> NDArray[Any]:
    """Return ``volume`` (x, y, z) after the variation: nearest neighbour for a label, linear otherwise.

    Voxels from outside the volume continue its border.
    """
    flipped = np.flip(volume, variation.flipped)
    if not variation.moves:
        return np.ascontiguousarray(flipped)
    cosine, sine = np.cos(variation.angle), np.sin(variation.angle)
    rotation = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    centre = (np.array(volume.shape) - 1) / 2
    shift = np.array(variation.shift) * volume.shape
    offset = centre - rotation @ (centre + shift)
    return np.asarray(
        ndimage.affine_transform(flipped, rotation, offset, order=0 if is_label else 1, mode="nearest", prefilter=False)
    )
