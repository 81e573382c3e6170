"""Measure overlap, surface distance and volume of one case.

Undefined metrics are NaN, never 0: overlap of two empty masks, precision without a prediction, recall without a
reference, surface distances when either mask is empty. With exactly one empty mask Dice and Jaccard are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid
from residua.metrics.overlap import dice_of, jaccard_of, ratio
from residua.metrics.surface import surface_distances


@dataclass(frozen=True)
class CaseMetrics:
    """Agreement of a prediction with its reference: fractions of 1, mm and ml; NaN where undefined."""

    dice: float
    jaccard: float
    precision: float
    recall: float
    hd95_mm: float
    assd_mm: float
    reference_ml: float
    predicted_ml: float
    absolute_volume_error_ml: float


def measure_case(reference: NDArray[np.bool_], prediction: NDArray[np.bool_], grid: Grid) -> CaseMetrics:
    """Compute all metrics of one case from two boolean masks (x, y, z) on ``grid``.

    Dice = 2|A∩B| / (|A|+|B|), Jaccard = |A∩B| / |A∪B|; HD95 and ASSD as in ``residua.metrics.surface``.
    Raises ``TypeError`` for arrays that are not boolean and ``ValueError`` for a shape that is not the grid's.

    >>> grid = Grid((4, 1, 1), np.diag([10.0, 10.0, 10.0, 1.0]))
    >>> reference = np.array([True, True, False, False]).reshape(grid.shape)
    >>> prediction = np.array([False, True, True, False]).reshape(grid.shape)
    >>> metrics = measure_case(reference, prediction, grid)
    >>> metrics.dice, metrics.recall, metrics.hd95_mm
    (0.5, 0.5, 10.0)
    """
    for name, mask in (("reference", reference), ("prediction", prediction)):
        _require_mask(name, mask, grid)
    shared = int(np.count_nonzero(reference & prediction))
    in_reference, in_prediction = int(np.count_nonzero(reference)), int(np.count_nonzero(prediction))
    distances = surface_distances(reference, prediction, grid.spacing_mm)
    return CaseMetrics(
        dice=dice_of(shared, in_reference, in_prediction),
        jaccard=jaccard_of(shared, in_reference, in_prediction),
        precision=ratio(shared, in_prediction),
        recall=ratio(shared, in_reference),
        hd95_mm=distances.hd95_mm,
        assd_mm=distances.assd_mm,
        reference_ml=in_reference * grid.voxel_ml,
        predicted_ml=in_prediction * grid.voxel_ml,
        absolute_volume_error_ml=abs(in_prediction - in_reference) * grid.voxel_ml,
    )


def _require_mask(name: str, mask: NDArray[np.bool_], grid: Grid) -> None:
    if mask.dtype != np.bool_:
        # A probability map or a label map would be read as "everything above zero" without notice.
        raise TypeError(f"the {name} must be a boolean mask, found {mask.dtype}")
    if mask.shape != grid.shape:
        raise ValueError(f"the {name} has shape {mask.shape}, the grid {grid.shape}")
