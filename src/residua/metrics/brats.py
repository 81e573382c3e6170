"""Score lesions as the BraTS challenges do: every reference lesion, and every false one, counts once.

Lesions are those of ``residua.metrics.lesions``. Each reference lesion is dilated; those whose dilations touch are one.
It is scored against all predicted lesions that share a voxel with its dilation. A missed or a false lesion scores Dice
0 and a fixed distance; a case without any lesion scores Dice 1 and 0 mm. What covers a part of the reference that is
too small for a lesion is a false lesion; the challenges count it neither as found nor as false.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.volumes import Grid, box_around
from residua.metrics.conventions import LesionWise
from residua.metrics.lesions import Lesioned, LesionRule, lesions_of
from residua.metrics.overlap import dice_of
from residua.metrics.surface import Spacing, distances_between, surface_of

_NEIGHBOURS = np.ones((3, 3, 3), dtype=bool)
_ROUNDING = 1e-6


@dataclass(frozen=True)
class LesionWiseScores:
    """Mean Dice and mean HD95 over reference lesions and false ones, and the numbers of lesions."""

    dice: float
    hd95_mm: float
    reference_lesions: int
    found_lesions: int
    predicted_lesions: int
    false_lesions: int


def score_lesions(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_], grid: Grid, rule: LesionRule, how: LesionWise
) -> LesionWiseScores:
    """Score two boolean masks (x, y, z) on ``grid``; of ``rule`` only the size of a lesion counts.

    >>> grid = Grid((9, 1, 1), np.eye(4))
    >>> reference, prediction = np.zeros((2, 9, 1, 1), dtype=bool)
    >>> reference[0:2], prediction[3], prediction[8] = True, True, True
    >>> found = score_lesions(reference, prediction, grid, LesionRule(min_voxels=1), LesionWise(2.0, 100.0))
    >>> found.dice, round(found.hd95_mm, 2), found.found_lesions, found.false_lesions
    (0.0, 51.45, 1, 1)
    """
    box = box_around(grid, reference | prediction, margin_mm=0)
    drawn, predicted = (
        lesions_of(mask[box], surface_of(mask[box], grid.spacing_mm), rule) for mask in (reference, prediction)
    )
    near, joined = _within_reach(drawn.labels, grid.spacing_mm, how.dilation_mm)
    touching: set[int] = set()
    scores = []
    for lesion, place in enumerate(ndimage.find_objects(near), start=1):
        reached = near[place] == lesion
        labels = drawn.labels[place], predicted.labels[place]
        own, others = (_lesions_in(each[reached]) for each in labels)
        touching |= set(others.tolist())
        shared = int(np.count_nonzero(reached & (labels[0] > 0) & np.isin(labels[1], others + 1)))
        scores.append(_scored(drawn, own, predicted, others, shared) if others.size else None)
    found = [score for score in scores if score]
    false = predicted.voxels.size - len(touching)
    unmatched = joined - len(found) + false
    counts = (joined, len(found), int(predicted.voxels.size), false)
    if not found and not unmatched:
        return LesionWiseScores(1.0, 0.0, *counts)
    every = len(found) + unmatched
    dice = sum(each for each, _ in found) / every
    hd95_mm = (sum(each for _, each in found) + unmatched * how.unmatched_hd95_mm) / every
    return LesionWiseScores(dice, hd95_mm, *counts)


def _within_reach(lesions: NDArray[np.int32], spacing_mm: Spacing, reach_mm: float) -> tuple[NDArray[np.int32], int]:
    """Label the voxels within reach of lesions by component, and count the components."""
    near = np.zeros(lesions.shape, dtype=bool)
    margins = [math.ceil(reach_mm / spacing) for spacing in spacing_mm]
    # Lesion by lesion: where they lie far apart, the box of all of them is most of the image.
    for place in ndimage.find_objects(lesions):
        box = tuple(
            slice(max(0, side.start - more), side.stop + more) for side, more in zip(place, margins, strict=True)
        )
        far = ndimage.distance_transform_edt(lesions[box] == 0, sampling=spacing_mm)
        near[box] |= far <= reach_mm * (1 + _ROUNDING)
    labels, count = ndimage.label(near, _NEIGHBOURS)
    return labels, int(count)


def _lesions_in(labels: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the lesions (from 0) of some voxels."""
    found = np.unique(labels)
    return np.asarray(found[found > 0] - 1, dtype=np.intp)


def _scored(
    drawn: Lesioned, own: NDArray[np.intp], predicted: Lesioned, others: NDArray[np.intp], shared: int
) -> tuple[float, float]:
    dice = dice_of(shared, int(drawn.voxels[own].sum()), int(predicted.voxels[others].sum()))
    return dice, distances_between(drawn.surface_of(own), predicted.surface_of(others)).hd95_mm
