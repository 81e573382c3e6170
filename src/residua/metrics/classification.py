"""Classify patients into residual tumour and gross total resection, count them and compute rates.

Volumes decide: a patient has residual tumour if the volume reaches ``residual_tumor_ml``, in the reference and in the
prediction alike. The study may ask a minimum overlap of a true positive. A patient with less overlap counts as FN,
because the reference shows tumour: the denominator of recall stays, and no patient counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

VOLUME_TOLERANCE = 1e-6
"""Relative. Headers hold float32, so 175 voxels of 1 mm³ may come to 0.17499999 ml; they reach a cut of 0.175 ml."""

WEAK_OVERLAP_DICE = 0.01
"""A true positive below this Dice agrees by volume only; the article's "any given Dice score (i.e., >= 0.01)"."""


@dataclass(frozen=True)
class Counts:
    """Numbers of patients by outcome."""

    tp: int
    fn: int
    fp: int
    tn: int

    @property
    def patients(self) -> int:
        """Number of all patients."""
        return self.tp + self.fn + self.fp + self.tn


@dataclass(frozen=True)
class Rates:
    """Patient-wise rates in percent; NaN where undefined, with the reason in ``undefined`` under the rate's name."""

    recall: float
    precision: float
    f1: float
    specificity: float
    balanced_accuracy: float
    undefined: dict[str, str] = field(default_factory=dict)

    @property
    def sensitivity(self) -> float:
        """Recall, by its clinical name."""
        return self.recall


def has_residual_tumor(volume_ml: ArrayLike, residual_tumor_ml: float, strict: bool = False) -> NDArray[np.bool_]:
    """Return whether each volume (ml) reaches the cut (ml), or exceeds it if ``strict``.

    Raises ``ValueError`` for a volume that is not finite: it shows neither residual tumour nor a resection.

    >>> has_residual_tumor([0.0, 0.175, 2.0], residual_tumor_ml=0.175).tolist()
    [False, True, True]
    """
    volumes = np.asarray(volume_ml, dtype=np.float64)
    if not np.isfinite(volumes).all():
        raise ValueError("every volume must be a finite number of ml")
    if strict:
        return np.asarray(volumes > residual_tumor_ml * (1 + VOLUME_TOLERANCE))
    return np.asarray(volumes >= residual_tumor_ml * (1 - VOLUME_TOLERANCE))


def outcomes(
    reference_ml: ArrayLike,
    predicted_ml: ArrayLike,
    residual_tumor_ml: float,
    dice: ArrayLike | None = None,
    min_overlap_dice: float = 0.0,
) -> NDArray[np.str_]:
    """Return the outcome of each patient, "TP", "FN", "FP" or "TN", from volumes in ml.

    ``dice`` is needed only with a ``min_overlap_dice`` above 0. Raises ``ValueError`` if it is missing then.

    >>> outcomes([1.0, 1.0, 0.0, 0.0], [0.8, 0.1, 0.9, 0.0], residual_tumor_ml=0.5).tolist()
    ['TP', 'FN', 'FP', 'TN']
    """
    reference = has_residual_tumor(reference_ml, residual_tumor_ml)
    predicted = has_residual_tumor(predicted_ml, residual_tumor_ml)
    found = predicted
    if min_overlap_dice > 0:
        if dice is None:
            raise ValueError("a minimum overlap needs each patient's Dice")
        found = predicted & (np.asarray(dice, dtype=np.float64) >= min_overlap_dice)
    return outcome_of(reference, predicted, found)


def outcome_of(
    reference: NDArray[np.bool_], predicted: NDArray[np.bool_], found: NDArray[np.bool_]
) -> NDArray[np.str_]:
    """Return the outcome of each patient from whether there is tumour, whether it is predicted, and whether found.

    >>> outcome_of(np.array([True, False]), np.array([True, True]), found=np.array([False, True])).tolist()
    ['FN', 'FP']
    """
    return np.where(reference, np.where(found, "TP", "FN"), np.where(predicted, "FP", "TN"))


def count(outcome: NDArray[np.str_]) -> Counts:
    """Count the patients of each outcome, as ``outcomes`` returns them.

    >>> count(np.array(["TP", "TP", "FN", "TN"]))
    Counts(tp=2, fn=1, fp=0, tn=1)
    """
    tp, fn, fp, tn = (int(np.count_nonzero(outcome == name)) for name in ("TP", "FN", "FP", "TN"))
    return Counts(tp, fn, fp, tn)


def count_weak_overlap(outcome: NDArray[np.str_], dice: ArrayLike) -> int:
    """Count true positives whose Dice is below ``WEAK_OVERLAP_DICE``: the right patient, the wrong place.

    >>> count_weak_overlap(np.array(["TP", "TP", "FN"]), [0.005, 0.8, 0.0])
    1
    """
    return int(np.count_nonzero((outcome == "TP") & (np.asarray(dice, dtype=np.float64) < WEAK_OVERLAP_DICE)))


def rates(counts: Counts) -> Rates:
    """Compute rates in percent: recall TP/(TP+FN), precision TP/(TP+FP), F1 2TP/(2TP+FP+FN), specificity TN/(TN+FP).

    Balanced accuracy is the mean of recall and specificity. A rate without a denominator is undefined.

    >>> found = rates(Counts(tp=3, fn=1, fp=1, tn=1))
    >>> found.recall, found.specificity, found.balanced_accuracy
    (75.0, 50.0, 62.5)
    """
    tp, fn, fp, tn = counts.tp, counts.fn, counts.fp, counts.tn
    parts = {
        "recall": (tp, tp + fn, "no patient with residual tumour in the reference"),
        "precision": (tp, tp + fp, "no patient with residual tumour in the prediction"),
        "f1": (2 * tp, 2 * tp + fp + fn, "no patient with residual tumour in either"),
        "specificity": (tn, tn + fp, "no patient with gross total resection in the reference"),
    }
    percent = {name: 100 * part / whole if whole else float("nan") for name, (part, whole, _) in parts.items()}
    undefined = {name: reason for name, (_, whole, reason) in parts.items() if not whole}
    missing = [undefined[name] for name in ("recall", "specificity") if name in undefined]
    if missing:
        undefined["balanced_accuracy"] = "; ".join(missing)
    balanced = (percent["recall"] + percent["specificity"]) / 2
    return Rates(**percent, balanced_accuracy=balanced, undefined=undefined)
