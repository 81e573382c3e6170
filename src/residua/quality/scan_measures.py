"""Measure what a scan shows, whoever looks at it: its voxels, its extent, its grey values in the brain, what it lacks.

A bundle of models holds the ranges of these numbers among the patients that the models saw (``residua.bundle.limits``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid

_PERCENTILES = (1, 50, 99)


def scan_measures(stored: Grid, shown: NDArray[np.floating[Any]], brain: NDArray[np.bool_]) -> dict[str, float | None]:
    """Return the measures of a scan that is ``stored`` on its own grid and ``shown`` (x, y, z) on the reference grid.

    ``brain`` is the mask on the reference grid. Grey values are percentiles within it after a normalisation to mean 0
    and standard deviation 1; None without a brain or with a constant. Missing is what has no value: exactly 0.

    >>> grid = Grid((4, 4, 2), np.diag([1.0, 1.0, 5.0, 1.0]))
    >>> shown = np.arange(32.0).reshape(4, 4, 2)
    >>> found = scan_measures(grid, shown, shown < 16)
    >>> found["coarsest_mm"], found["extent_z_mm"], found["missing_percent"], found["grey_p50"]
    (5.0, 10.0, 6.25, 0.0)
    """
    spacing = stored.spacing_mm
    measures: dict[str, float | None] = {"finest_mm": min(spacing), "coarsest_mm": max(spacing)}
    for axis, voxels, mm in zip("xyz", stored.shape, spacing, strict=True):
        measures[f"extent_{axis}_mm"] = voxels * mm
    values = shown[brain].astype(np.float64)
    spread = float(values.std()) if values.size else 0.0
    normal = (values - values.mean()) / spread if spread > 0 else np.full(1, np.nan)
    for percent, value in zip(_PERCENTILES, np.percentile(normal, _PERCENTILES), strict=True):
        measures[f"grey_p{percent:02d}"] = float(value) if np.isfinite(value) else None
    measures["missing_percent"] = float(100 * np.mean(values == 0)) if values.size else None
    return measures


def cut_percent(brain: NDArray[np.bool_]) -> float | None:
    """Return how large the outermost section of a mask (x, y, z) is, in percent of the largest parallel one.

    The worst of the six sides counts. A brain ends in small sections; where a slab of the head is missing, in a large
    one. None for an empty mask.

    >>> ball = np.hypot.reduce(np.indices((31, 31, 31)) - 15) < 15
    >>> cut_percent(ball) < 15, cut_percent(ball[:, :, :20]) > 80
    (True, True)
    """
    if not brain.any():
        return None
    worst = 0.0
    for axis in range(3):
        areas = brain.sum(axis=tuple(other for other in range(3) if other != axis))
        sections = areas[areas > 0]
        worst = max(worst, float(max(sections[0], sections[-1]) / sections.max()))
    return 100 * worst
