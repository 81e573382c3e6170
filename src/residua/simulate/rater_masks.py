"""Draw the masks of eight raters, who are imprecise at the boundary, miss pieces and mistake blood for tumour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rater:
    """A rater's habits: offset and wobble of the boundary in mm, probabilities to miss a piece or to include blood."""

    name: str
    expertise: str
    offset_mm: float
    wobble_mm: float
    miss_probability: float
    blood_probability: float


RATERS = (
    Rater("novice1", "novice", 0.7, 1.5, 0.12, 0.50),
    Rater("novice2", "novice", -0.3, 1.4, 0.20, 0.30),
    Rater("novice3", "novice", 0.9, 1.4, 0.08, 0.55),
    Rater("novice4", "novice", 0.2, 1.7, 0.15, 0.40),
    Rater("expert1", "expert", 0.1, 0.9, 0.05, 0.10),
    Rater("expert2", "expert", -0.2, 0.9, 0.06, 0.05),
    Rater("expert3", "expert", 0.4, 1.0, 0.03, 0.12),
    Rater("expert4", "expert", 0.0, 0.8, 0.05, 0.08),
)
"""Four novices and four experts, as in the article's inter-rater study; their habits are invented."""

_WOBBLE_SCALE_MM = 3.0
_REACH_MM = 10.0


def rate(
    rng: np.random.Generator, rater: Rater, residual: Mask, blood: Mask, spacing_mm: tuple[float, float, float]
) -> Mask:
    """Draw the rater's mask (x, y, z) of residual tumour from the true masks of residual tumour and blood."""
    seen = _some(rng, residual, 1.0 - rater.miss_probability) | _some(rng, blood, rater.blood_probability)
    if not seen.any():
        return np.zeros_like(residual)
    drawn = np.zeros_like(residual)
    # Only the surroundings of the seen pieces are computed.
    near = tuple(
        slice(max(int(low - _REACH_MM / step), 0), int(high + _REACH_MM / step) + 2)
        for low, high, step in zip(*_corners(seen), spacing_mm, strict=True)
    )
    drawn[near] = _outlined(rng, rater, seen[near], spacing_mm)
    return drawn


def _corners(mask: Mask) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    places = np.argwhere(mask)
    return places.min(axis=0), places.max(axis=0)


def _outlined(rng: np.random.Generator, rater: Rater, seen: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    """Return the seen pieces with the rater's boundary."""
    outside = ndimage.distance_transform_edt(~seen, sampling=spacing_mm)
    inside = ndimage.distance_transform_edt(seen, sampling=spacing_mm)
    # Distances are between voxel centres: the boundary lies half a voxel before the nearest one.
    half_mm = np.mean(spacing_mm) / 2.0
    distance = np.where(seen, half_mm - inside, outside - half_mm)
    scales = [_WOBBLE_SCALE_MM / step for step in spacing_mm]
    wobble = ndimage.gaussian_filter(rng.standard_normal(seen.shape, dtype=np.float32), scales)
    wobble *= rater.wobble_mm / wobble.std()
    return np.asarray(distance < rater.offset_mm + wobble)


def _some(rng: np.random.Generator, mask: Mask, probability: float) -> Mask:
    pieces, count = ndimage.label(mask, np.ones((3, 3, 3)))
    kept = [False, *(rng.random(count) < probability)]
    return np.asarray(np.asarray(kept)[pieces])
