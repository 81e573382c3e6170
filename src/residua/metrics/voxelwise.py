"""Measure overlap, surface distance, volume and lesions of one case.

Undefined metrics are NaN, never 0; ``residua.metrics.registry`` says when a metric is undefined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid
from residua.metrics.compared_masks import STANDARD, ComparedMasks, compare
from residua.metrics.lesions import LesionRule
from residua.metrics.registry import METRICS


@dataclass(frozen=True)
class CaseMetrics:
    """Agreement of a prediction with its reference: fractions of 1, mm, ml and lesions; NaN where undefined."""

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
    reference_lesions: int
    found_lesions: int
    predicted_lesions: int
    false_lesions: int
    lesion_recall: float
    lesion_precision: float
    lesion_f1: float
    lesion_dice: float
    lesion_hd95_mm: float
    relative_volume_error: float


def measure_case(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_], grid: Grid, rule: LesionRule = STANDARD
) -> CaseMetrics:
    """Compute all metrics of one case from two boolean masks (x, y, z) on ``grid``.

    Raises ``TypeError`` for arrays that are not boolean and ``ValueError`` for a shape that is not the grid's.

    >>> grid = Grid((4, 1, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
    >>> reference = np.array([True, True, False, False]).reshape(grid.shape)
    >>> prediction = np.array([False, True, True, False]).reshape(grid.shape)
    >>> metrics = measure_case(reference, prediction, grid)
    >>> metrics.dice, metrics.recall, metrics.hd95_mm
    (0.5, 0.5, 10.0)
    """
    return metrics_of(compare(reference, prediction, grid, rule))


def metrics_of(case: ComparedMasks) -> CaseMetrics:
    """Compute all metrics of two compared masks.

    >>> grid = Grid((2, 1, 1), np.eye(4))
    >>> mask = np.ones(grid.shape, dtype=bool)
    >>> metrics_of(compare(mask, mask, grid)).dice
    1.0
    """
    values: dict[str, Any] = {metric.name: metric.of(case) for metric in METRICS}
    return CaseMetrics(**values)
