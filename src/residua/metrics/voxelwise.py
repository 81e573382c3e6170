"""Measure overlap, surface distance and volume of one case.

Undefined metrics are NaN, never 0; ``residua.metrics.registry`` says when a metric is undefined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid
from residua.metrics.compared_masks import compare
from residua.metrics.registry import METRICS


@dataclass(frozen=True)
class CaseMetrics:
    """Agreement of a prediction with its reference: fractions of 1, mm and ml; NaN where undefined."""

    dice: float
    jaccard: float
    precision: float
    recall: float
    hd95_mm: float
    assd_mm: float
    surface_dice_1mm: float
    surface_dice_2mm: float
    reference_ml: float
    predicted_ml: float
    absolute_volume_error_ml: float
    volume_error_ml: float
    relative_volume_error: float


def measure_case(reference: NDArray[np.bool_], prediction: NDArray[np.bool_], grid: Grid) -> CaseMetrics:
    """Compute all metrics of one case from two boolean masks (x, y, z) on ``grid``.

    Raises ``TypeError`` for arrays that are not boolean and ``ValueError`` for a shape that is not the grid's.

    >>> grid = Grid((4, 1, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
    >>> reference = np.array([True, True, False, False]).reshape(grid.shape)
    >>> prediction = np.array([False, True, True, False]).reshape(grid.shape)
    >>> metrics = measure_case(reference, prediction, grid)
    >>> metrics.dice, metrics.recall, metrics.hd95_mm
    (0.5, 0.5, 10.0)
    """
    case = compare(reference, prediction, grid)
    return CaseMetrics(**{metric.name: metric.of(case) for metric in METRICS})
