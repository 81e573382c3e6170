"""Vary a training slab each time it is seen: mirror, size and place in plane, and grey scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]
Brain = NDArray[np.uint8]

_ZOOM_SPREAD, _SHIFT_SPREAD = 0.08, 0.04
"""Standard deviations: of the zoom's logarithm, and of the shift as a share of the axis, as fields of view vary."""
_GAMMA_SPREAD = 0.25
_BENT, _BENT_BY, _KNOTS = 0.12, (0.3, 0.7), 6
"""Share of the slabs whose grey scale is bent at random, how far, at how many places: tissues change their order."""


def varied(values: Values, brain: Brain, rng: np.random.Generator) -> tuple[Values, Brain]:
    """Return a normalised slab (x, y, z) and its brain (0 or 1) as another scanner might have seen them."""
    if rng.random() < 0.5:
        values, brain = values[::-1], brain[::-1]
    part = np.asarray(brain, np.float32)
    for axis in (0, 1):
        places = _places(values.shape[axis], rng)
        values, part = _along(values, places, axis), _along(part, places, axis)
    values = _regraded(values, rng)
    # What else lies in the field of view changes the mean and the spread of a whole scan.
    scale, shift = np.exp(rng.normal(0.0, 0.1)), rng.normal(0.0, 0.1)
    return np.float32(scale) * values + np.float32(shift), (part >= 0.5).astype(np.uint8)


def _places(length: int, rng: np.random.Generator) -> Values:
    """Return where on an axis of ``length`` voxels each of its voxels is read; beyond an end the end's is read."""
    middle = (length - 1) / 2.0
    zoom, shift = np.exp(rng.normal(0.0, _ZOOM_SPREAD)), length * rng.normal(0.0, _SHIFT_SPREAD)
    places = (np.arange(length) - middle) * zoom + middle + shift
    return np.asarray(np.clip(places, 0, length - 1), np.float32)


def _along(volume: Values, places: Values, axis: int) -> Values:
    """Interpolate a volume (x, y, z) linearly along one axis."""
    low = np.minimum(places.astype(int), volume.shape[axis] - 2)
    share = np.expand_dims(places - low, [other for other in range(3) if other != axis])
    below, above = volume.take(low, axis), volume.take(low + 1, axis)
    return np.asarray(below + share * (above - below), np.float32)


def _regraded(values: Values, rng: np.random.Generator) -> Values:
    """Bend the grey scale; mean and spread stay as they are. A constant slab stays as it is."""
    low, high = values.min(), np.percentile(values, 99.5)
    if high <= low:
        return values
    bent = _curve(np.clip((values - low) / (high - low), 0.0, None), rng)
    spread = bent.std()
    if spread == 0:
        return values
    return np.asarray((bent - bent.mean()) * (values.std() / spread) + values.mean(), np.float32)


def _curve(grey: Values, rng: np.random.Generator) -> Values:
    """Return grey values, of which 0 to 1 are common, on another scale."""
    if rng.random() >= _BENT:
        return np.asarray(grey ** np.float32(np.exp(rng.normal(0.0, _GAMMA_SPREAD))))
    places = np.linspace(0.0, 1.0, _KNOTS)
    knots = places + rng.uniform(*_BENT_BY) * (rng.random(_KNOTS) - places)
    return np.asarray(np.interp(grey, places, knots), np.float32)
