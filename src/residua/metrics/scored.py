"""Judge a score against two classes: voxels by their probability, or patients by what was predicted of them.

Everything follows from how many of each class have each score, so that a map of any size is read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from residua.errors import ResiduaError
from residua.metrics.overlap import ratio

LEVELS = 2**14
"""Steps of a map's histogram, the ones in which the study stores probabilities: its maps lose nothing."""
THRESHOLDS = tuple(step / 100 for step in range(101))
BINS = 10
_REACHED = 1e-4
"""In levels: a threshold is reached from so far below, because masks are made in float32."""


@dataclass(frozen=True)
class ScoreCounts:
    """Different scores in ascending order, and how many of the reference and of the background have each (k)."""

    score: NDArray[np.float64]
    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    @property
    def auroc(self) -> float:
        """Chance that one of the reference scores higher than one of the background; equal scores count half."""
        below = np.cumsum(self.negatives) - self.negatives
        pairs = float(np.sum(self.positives * (below + self.negatives / 2)))
        return _ratio(pairs, float(self.positives.sum()) * float(self.negatives.sum()))

    @property
    def auprc(self) -> float:
        """Average precision: precision at each score as a threshold, weighted by the recall that it adds."""
        found = np.cumsum(self.positives[::-1])
        called = found + np.cumsum(self.negatives[::-1])
        precision = found / np.maximum(called, 1)
        return _ratio(float(np.sum(precision * self.positives[::-1])), float(self.positives.sum()))

    @property
    def brier(self) -> float:
        """Mean squared difference of a probability and its class."""
        squares = self.positives * (1 - self.score) ** 2 + self.negatives * self.score**2
        return _ratio(float(squares.sum()), float(self.positives.sum() + self.negatives.sum()))

    @property
    def largest(self) -> float:
        """The highest score that occurs."""
        there = np.flatnonzero(self.positives + self.negatives)
        return float(self.score[there[-1]]) if there.size else float("nan")

    @property
    def calibration_error(self) -> float:
        """Expected calibration error: mean distance of probability and share over ``BINS`` bins of equal width."""
        bins = self.bins()
        apart = np.abs(bins.predicted - bins.observed) * bins.count
        return _ratio(float(np.nansum(apart)), float(bins.count.sum()))

    def bins(self) -> CalibrationBins:
        """Return the mean probability and the share of the reference in each of ``BINS`` bins of equal width."""
        place = np.minimum((self.score * BINS).astype(np.int64), BINS - 1)
        everyone = self.positives + self.negatives
        count, told, seen = (
            np.bincount(place, weights=weights, minlength=BINS)
            for weights in (everyone, everyone * self.score, self.positives)
        )
        with np.errstate(invalid="ignore"):
            return CalibrationBins(count.astype(np.int64), told / count, seen / count)

    def dice_at(self, thresholds: Sequence[float] = THRESHOLDS) -> NDArray[np.float64]:
        """Return Dice of the mask at each threshold, ``score >= threshold``; NaN where both masks are empty."""
        first = np.searchsorted(self.score, np.asarray(thresholds) - _REACHED / LEVELS)
        shared, called = (
            np.append(np.cumsum(counts[::-1])[::-1], 0)[first]
            for counts in (self.positives, self.positives + self.negatives)
        )
        drawn = int(self.positives.sum())
        return np.array([ratio(2 * int(s), int(c) + drawn) for s, c in zip(shared, called, strict=True)])


@dataclass(frozen=True)
class CalibrationBins:
    """Bins of equal width from 0 to 1: how many there are, mean probability, and share of the reference, else NaN."""

    count: NDArray[np.int64]
    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]


def scored_voxels(
    probability: NDArray[np.floating[Any]], reference: NDArray[np.bool_], brain: NDArray[np.bool_]
) -> ScoreCounts:
    """Count the voxels (x, y, z) of the brain by probability and class; those of the reference outside it, too.

    Probabilities are rounded to ``LEVELS`` steps. Raises ``ResiduaError`` for one that is NaN, below 0 or above 1.

    >>> probability = np.array([0.0, 0.25, 0.75, 1.0])
    >>> scored_voxels(probability, probability > 0.5, probability >= 0).auroc
    1.0
    """
    inside = brain | reference
    values, drawn = probability[inside], reference[inside]
    # NaN fails both comparisons.
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise ResiduaError(
            f"expected probabilities from 0 to 1, found {values.min():g} to {values.max():g}; give the probability of "
            "the foreground"
        )
    level = np.rint(values * LEVELS).astype(np.int64)
    counts = np.bincount(2 * level + drawn, minlength=2 * (LEVELS + 1)).reshape(LEVELS + 1, 2)
    return ScoreCounts(np.arange(LEVELS + 1) / LEVELS, counts[:, 1], counts[:, 0])


def scored_patients(score: ArrayLike, positive: ArrayLike) -> ScoreCounts:
    """Count patients (n) by score and class.

    >>> scored_patients([0.0, 1.0, 1.0, 3.0], [False, False, True, True]).auroc
    0.875
    """
    values, place = np.unique(np.asarray(score, dtype=np.float64), return_inverse=True)
    classes = np.asarray(positive, dtype=np.bool_)
    positives, negatives = (np.bincount(place[of], minlength=values.size) for of in (classes, ~classes))
    return ScoreCounts(values, positives, negatives)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
