"""The rules that score a threshold: ``volume_f1``, and ``authors``, that of the public code of the article's authors.

Both take (mean Dice + F1) / 2; they differ in whose Dice it is and in what is counted for F1. Fractions of 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from residua.metrics.classification import count, outcomes, rates
from residua.segmentation.out_of_fold import Measured
from residua.settings.classification import Classification

_DICE_DIGITS = 3
"""The authors' code rounds Dice before it asks whether there is any overlap."""


@dataclass(frozen=True)
class VolumeF1:
    """Score of ``volume_f1``: mean Dice of the detected patients, and F1 of all patients by volume.

    A term without a value is None, counts as 0 in ``score``, and ``note`` says so.
    """

    score: float
    mean_dice_of_detected: float | None
    f1: float | None
    detected: int
    patients: int
    note: str


@dataclass(frozen=True)
class Authors:
    """Score of ``authors``: only patients with residual tumour in the reference enter it.

    ``mean_dice`` is over these patients, 0 without overlap. ``recall`` is the share of them with any overlap, and
    ``precision`` the mean share, over those with overlap, of predicted objects that touch the reference: 1 where none
    does. A term without a value is None, counts as 0 in ``score``, and ``note`` says so.
    """

    score: float
    mean_dice: float | None
    f1: float | None
    recall: float | None
    precision: float | None
    overlapping: int
    patients: int
    note: str


def volume_f1(cases: Measured, classification: Classification) -> VolumeF1:
    """Score cases at their thresholds; a false alarm after gross total resection lowers F1.

    >>> one = np.array([1.0])
    >>> found = Measured(np.array([0]), one, np.array([True]), one, dice=np.array([0.5]), object_precision=one)
    >>> volume_f1(found, Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)).score
    0.75
    """
    outcome = outcomes(
        cases.reference_ml,
        cases.predicted_ml,
        classification.residual_tumor_ml,
        cases.dice,
        classification.min_overlap_dice,
    )
    counted = count(outcome)
    rated = rates(counted)
    mean_dice = float(cases.dice[outcome == "TP"].mean()) if counted.tp else None
    f1 = None if "f1" in rated.undefined else rated.f1 / 100
    missing = [] if counted.tp else ["no patient detected, mean Dice counted as 0"]
    missing += ["F1 undefined, counted as 0"] if f1 is None else []
    score = ((mean_dice or 0.0) + (f1 or 0.0)) / 2
    return VolumeF1(score, mean_dice, f1, counted.tp, counted.patients, "; ".join(missing))


def authors(cases: Measured) -> Authors:
    """Score cases at their thresholds; those without an object in the reference do not enter.

    >>> one = np.array([1.0])
    >>> found = Measured(np.array([0]), one, np.array([True]), one, dice=np.array([0.5]), object_precision=one)
    >>> authors(found).score
    0.75
    """
    dice, object_precision = cases.dice[cases.has_objects], cases.object_precision[cases.has_objects]
    overlapping = np.round(dice, _DICE_DIGITS) > 0
    patients, found = dice.size, int(np.count_nonzero(overlapping))
    if not patients:
        note = "no patient has residual tumour, mean Dice and F1 counted as 0"
        return Authors(0.0, None, None, None, None, 0, 0, note)
    recall, mean_dice = found / patients, float(dice.mean())
    # Who overlaps by pieces that are too small to be objects has an undefined precision; the code says 1, and also says
    # 1 where there are objects and none of them touches the reference.
    precise = np.where(object_precision > 0, object_precision, 1.0)
    precision = float(precise[overlapping].mean()) if found else None
    f1 = 2 * precision * recall / (precision + recall) if precision is not None else None
    note = "" if found else "no patient with overlap, F1 counted as 0"
    return Authors((mean_dice + (f1 or 0.0)) / 2, mean_dice, f1, recall, precision, found, patients, note)
