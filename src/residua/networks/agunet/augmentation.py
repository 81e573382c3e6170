"""Draw how a training sample varies: flips, a rotation in the axial plane, a shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from residua.networks.agunet.settings import AGUNetSettings

HORIZONTAL, VERTICAL = 0, 1


@dataclass(frozen=True)
class Variation:
    """Variation of one sample: flipped axes of x and y, rotation about z in radians, shift as a fraction of an axis."""

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
