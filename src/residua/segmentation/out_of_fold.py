"""Measure the out-of-fold patients at every candidate threshold; one probability map is in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.errors import ResiduaError
from residua.metrics.overlap import dice_of, ratio
from residua.segmentation.masks import binarise, components, remove_small_components, segment
from residua.settings.postprocessing import Filtered, Postprocessing


@dataclass(frozen=True)
class OutOfFoldCase:
    """One patient of a fold's validation set: probability map and reference mask (x, y, z) on one grid."""

    fold: int
    probability: NDArray[np.floating[Any]]
    reference: NDArray[np.bool_]
    voxel_ml: float


@dataclass(frozen=True)
class Measured:
    """Numbers kept of all cases (n), some at each threshold (n, thresholds).

    ``has_objects`` says whether the reference has a component that is large enough to stay. ``object_precision`` is the
    share of the predicted components that share a voxel with one of these, NaN without any predicted component.
    """

    fold: NDArray[np.int_]
    reference_ml: NDArray[np.float64]
    has_objects: NDArray[np.bool_]
    predicted_ml: NDArray[np.float64]
    dice: NDArray[np.float64]
    object_precision: NDArray[np.float64]

    def at(self, chosen: NDArray[np.bool_], column: NDArray[np.int_]) -> Measured:
        """Return the ``chosen`` cases, each at the threshold whose index is its entry in ``column``."""
        row = np.flatnonzero(chosen)
        own = (row, column[chosen])
        return Measured(
            self.fold[row],
            self.reference_ml[row],
            self.has_objects[row],
            self.predicted_ml[own],
            self.dice[own],
            self.object_precision[own],
        )


def measure(cases: Iterable[OutOfFoldCase], postprocessing: Postprocessing, filtered: Filtered = "mask") -> Measured:
    """Measure every case at every candidate of ``postprocessing``. Raises ``ResiduaError`` when there is no case.

    ``filtered`` says what loses its small components: the mask, or only what is counted as an object.

    >>> drawn = np.ones((2, 2, 2), dtype=bool)
    >>> settings = Postprocessing(thresholds=[0.5, 0.9], min_component_voxels=1, connectivity=26)
    >>> measure([OutOfFoldCase(0, drawn * 0.7, drawn, voxel_ml=0.1)], settings).dice.tolist()
    [[1.0, 0.0]]
    """
    rows = [(case.fold, case.voxel_ml, *_measure_case(case, postprocessing, filtered)) for case in cases]
    if not rows:
        raise ResiduaError(
            "a threshold cannot be chosen: there is no out-of-fold case; give the validation patients of the folds"
        )
    fold, voxel_ml, in_reference, objects, predicted, dice, precision = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    return Measured(fold, in_reference * voxel_ml, objects, predicted * voxel_ml[:, None], dice, precision)


def _measure_case(
    case: OutOfFoldCase, postprocessing: Postprocessing, filtered: Filtered
) -> tuple[int, bool, list[int], list[float], list[float]]:
    """Return the voxels and objects of the reference; for each threshold voxels, Dice and object-wise precision."""
    smallest, connectivity = postprocessing.min_component_voxels, postprocessing.connectivity
    objects = remove_small_components(case.reference, smallest, connectivity)
    in_reference = int(np.count_nonzero(case.reference))
    # All masks lie in the box of the mask at the lowest threshold, most often a thousandth of the map. Where that
    # mask is empty any voxel will do, because none reaches a threshold.
    boxes = ndimage.find_objects(binarise(case.probability, min(postprocessing.thresholds)).astype(np.uint8))
    box = boxes[0] if boxes else (slice(0, 1),) * 3
    predicted, dice, precision = [], [], []
    for threshold in postprocessing.thresholds:
        found = segment(case.probability[box], threshold, postprocessing)
        mask = found if filtered == "mask" else binarise(case.probability[box], threshold)
        predicted.append(int(np.count_nonzero(mask)))
        shared = int(np.count_nonzero(mask & case.reference[box]))
        dice.append(dice_of(shared, in_reference, predicted[-1]))
        precision.append(_object_precision(found, objects[box], connectivity))
    return in_reference, bool(objects.any()), predicted, dice, precision


def _object_precision(mask: NDArray[np.bool_], objects: NDArray[np.bool_], connectivity: int) -> float:
    labels, count = components(mask, connectivity)
    touching = np.unique(labels[objects])
    return ratio(int(np.count_nonzero(touching)), count)
