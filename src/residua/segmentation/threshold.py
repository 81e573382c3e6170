"""Choose the threshold that is best out of fold.

The threshold of one network and input configuration maximises (mean Dice of the detected patients + patient-wise F1)
/ 2 over all out-of-fold patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.errors import ResiduaError
from residua.metrics.classification import count, outcomes, rates
from residua.metrics.overlap import dice_of
from residua.segmentation.masks import binarise, segment
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing


@dataclass(frozen=True)
class OutOfFoldCase:
    """One patient of a fold's validation set: probability map and reference mask (x, y, z) on one grid."""

    fold: int
    probability: NDArray[np.floating[Any]]
    reference: NDArray[np.bool_]
    voxel_ml: float


@dataclass(frozen=True)
class Performance:
    """The performance of a threshold; all fractions of 1.

    ``mean_dice_of_detected`` is None when no patient was detected, and ``f1`` when it is undefined; ``score`` then
    counts the term as 0, and ``note`` says so.
    """

    score: float
    mean_dice_of_detected: float | None
    f1: float | None
    detected: int
    patients: int
    note: str


@dataclass(frozen=True)
class ThresholdChoice:
    """The chosen threshold, every candidate's performance, and the nested choice that shows the choice's optimism.

    ``nested`` gives each fold the threshold that is best on all other folds, and ``nested_performance`` measures every
    patient at the threshold of its own fold; both are empty for a single fold.
    """

    threshold: float
    candidates: dict[float, Performance]
    nested: dict[int, float]
    nested_performance: Performance | None

    def to_json(self) -> dict[str, Any]:
        """Return builtins for JSON: no NaN, string keys, candidates as a list in the order tried."""
        return {
            "threshold": self.threshold,
            "candidates": [{"threshold": t, **asdict(found)} for t, found in self.candidates.items()],
            "nested": {str(fold): threshold for fold, threshold in self.nested.items()},
            "nested_performance": asdict(self.nested_performance) if self.nested_performance else None,
        }


@dataclass(frozen=True)
class _Measured:
    """Numbers kept of all cases: fold and reference volume (n), Dice and predicted volume (n, thresholds)."""

    fold: NDArray[np.int_]
    reference_ml: NDArray[np.float64]
    predicted_ml: NDArray[np.float64]
    dice: NDArray[np.float64]


def choose_threshold(
    cases: Iterable[OutOfFoldCase], postprocessing: Postprocessing, classification: Classification
) -> ThresholdChoice:
    """Choose the candidate of ``postprocessing.thresholds`` with the highest score; the first of equals.

    A patient is detected when it is a true positive by volume (and by overlap, if the study asks for it). ``cases`` is
    read once, one case at a time, and no map is kept. Raises ``ResiduaError`` when there is no case.

    >>> probability = np.array([0.9, 0.6, 0.4, 0.1]).reshape(4, 1, 1)
    >>> case = OutOfFoldCase(fold=0, probability=probability, reference=probability > 0.5, voxel_ml=1.0)
    >>> postprocessing = Postprocessing(thresholds=(0.3, 0.5, 0.8), min_component_voxels=0, connectivity=26)
    >>> choice = choose_threshold([case], postprocessing, Classification(residual_tumor_ml=1, min_overlap_dice=0))
    >>> choice.threshold, choice.candidates[0.5].score, choice.candidates[0.3].mean_dice_of_detected
    (0.5, 1.0, 0.8)
    """
    thresholds = postprocessing.thresholds
    measured = _measure(cases, postprocessing)
    everyone = np.ones(len(measured.fold), dtype=bool)
    found = _performances(measured, everyone, len(thresholds), classification)
    folds = [int(fold) for fold in np.unique(measured.fold)]
    nested = {}
    if len(folds) > 1:
        for fold in folds:
            nested[fold] = _best(_performances(measured, measured.fold != fold, len(thresholds), classification))
    column = np.array([nested.get(int(fold), 0) for fold in measured.fold])
    return ThresholdChoice(
        threshold=thresholds[_best(found)],
        candidates=dict(zip(thresholds, found, strict=True)),
        nested={fold: thresholds[index] for fold, index in nested.items()},
        nested_performance=_performance(measured, everyone, column, classification) if nested else None,
    )


def _measure(cases: Iterable[OutOfFoldCase], postprocessing: Postprocessing) -> _Measured:
    rows = [(case.fold, case.voxel_ml, *_voxel_counts(case, postprocessing)) for case in cases]
    if not rows:
        raise ResiduaError(
            "a threshold cannot be chosen: there is no out-of-fold case; give the validation patients of the folds"
        )
    fold, voxel_ml, in_reference, in_prediction, dice = (np.array(column) for column in zip(*rows, strict=True))
    return _Measured(fold, in_reference * voxel_ml, in_prediction * voxel_ml[:, None], dice)


def _voxel_counts(case: OutOfFoldCase, postprocessing: Postprocessing) -> tuple[int, list[int], list[float]]:
    """Return the voxels in the reference and, for each threshold, the voxels in the prediction and Dice."""
    in_reference = int(np.count_nonzero(case.reference))
    # All masks lie in the box of the mask at the lowest threshold, most often a thousandth of the map. Where that
    # mask is empty any voxel will do, because none reaches a threshold.
    boxes = ndimage.find_objects(binarise(case.probability, min(postprocessing.thresholds)).astype(np.uint8))
    box = boxes[0] if boxes else (slice(0, 1),) * 3
    probability, reference = case.probability[box], case.reference[box]
    predicted, dice = [], []
    for threshold in postprocessing.thresholds:
        mask = segment(probability, threshold, postprocessing)
        predicted.append(int(np.count_nonzero(mask)))
        dice.append(dice_of(int(np.count_nonzero(mask & reference)), in_reference, predicted[-1]))
    return in_reference, predicted, dice


def _performances(
    measured: _Measured, chosen: NDArray[np.bool_], thresholds: int, classification: Classification
) -> list[Performance]:
    same = np.ones(len(chosen), dtype=int)
    return [_performance(measured, chosen, same * index, classification) for index in range(thresholds)]


def _performance(
    measured: _Measured, chosen: NDArray[np.bool_], column: NDArray[np.int_], classification: Classification
) -> Performance:
    """Measure the ``chosen`` patients, each at the threshold whose index is its entry in ``column``."""
    row = np.arange(len(column))
    dice, predicted_ml = measured.dice[row, column][chosen], measured.predicted_ml[row, column][chosen]
    outcome = outcomes(
        measured.reference_ml[chosen],
        predicted_ml,
        classification.residual_tumor_ml,
        dice,
        classification.min_overlap_dice,
    )
    counted = count(outcome)
    rated = rates(counted)
    mean_dice = float(dice[outcome == "TP"].mean()) if counted.tp else None
    f1 = None if "f1" in rated.undefined else rated.f1 / 100
    missing = [] if counted.tp else ["no patient detected, mean Dice counted as 0"]
    missing += ["F1 undefined, counted as 0"] if f1 is None else []
    score = ((mean_dice or 0.0) + (f1 or 0.0)) / 2
    return Performance(score, mean_dice, f1, counted.tp, counted.patients, "; ".join(missing))


def _best(found: Sequence[Performance]) -> int:
    return max(range(len(found)), key=lambda index: found[index].score)
