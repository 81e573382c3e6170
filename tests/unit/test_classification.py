"""Residual tumour or gross total resection."""

from __future__ import annotations

import math

import numpy as np
import pytest

from residua.images.volumes import Grid
from residua.metrics.classification import Counts, count, count_weak_overlap, has_residual_tumor, outcomes, rates

CUT_ML = 0.175


def test_the_cut_itself_is_residual_tumour() -> None:
    assert has_residual_tumor([0.1749, 0.175, 0.1751], CUT_ML).tolist() == [False, True, True]


def test_a_volume_at_the_cut_survives_the_rounding_of_a_header() -> None:
    turn = 0.4
    turned = np.eye(4)
    turned[:2, :2] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
    grid = Grid((4, 4, 4), turned.astype(np.float32).astype(np.float64))
    volume_ml = 175 * grid.voxel_ml
    assert volume_ml < CUT_ML  # else this test shows nothing
    assert has_residual_tumor(volume_ml, CUT_ML)
    assert not has_residual_tumor(174 * grid.voxel_ml, CUT_ML)


@pytest.mark.parametrize("volume_ml", [math.nan, math.inf])
def test_a_volume_that_is_no_number_is_refused(volume_ml: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        has_residual_tumor([1.0, volume_ml], CUT_ML)


def test_each_outcome_has_its_name() -> None:
    found = outcomes([1.0, 1.0, 0.1, 0.1], [0.2, 0.1, 0.2, 0.0], CUT_ML)
    assert found.tolist() == ["TP", "FN", "FP", "TN"]
    assert count(found) == Counts(tp=1, fn=1, fp=1, tn=1)


def test_volumes_decide_unless_overlap_is_asked_for() -> None:
    reference_ml, predicted_ml, dice = [1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.01, 0.0]
    assert outcomes(reference_ml, predicted_ml, CUT_ML, dice).tolist() == ["TP", "TP", "FP"]
    strict = outcomes(reference_ml, predicted_ml, CUT_ML, dice, min_overlap_dice=0.01)
    assert strict.tolist() == ["FN", "TP", "FP"]
    assert count(strict).patients == 3


def test_true_positives_in_the_wrong_place_are_counted() -> None:
    dice = [0.009, 0.01, 0.0]
    assert count_weak_overlap(outcomes([1, 1, 0], [1, 1, 1], CUT_ML), dice) == 1


def test_a_minimum_overlap_without_dice_is_refused() -> None:
    with pytest.raises(ValueError, match="needs each patient's Dice"):
        outcomes([1.0], [1.0], CUT_ML, min_overlap_dice=0.01)


def test_rates_of_hand_counted_patients() -> None:
    found = rates(Counts(tp=6, fn=2, fp=4, tn=12))
    assert (found.recall, found.precision, found.specificity) == pytest.approx((75.0, 60.0, 75.0))
    assert found.f1 == pytest.approx(200 / 3)
    assert found.balanced_accuracy == pytest.approx(75.0)
    assert found.sensitivity == found.recall
    assert found.undefined == {}


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Counts(0, 3, 0, 2), {"precision"}),
        (Counts(0, 0, 2, 2), {"recall", "balanced_accuracy"}),
        (Counts(3, 1, 0, 0), {"specificity", "balanced_accuracy"}),
        (Counts(0, 0, 0, 5), {"recall", "precision", "f1", "balanced_accuracy"}),
        (Counts(0, 0, 0, 0), {"recall", "precision", "f1", "specificity", "balanced_accuracy"}),
    ],
)
def test_a_rate_without_denominator_is_nan_with_a_reason(counts: Counts, undefined: set[str]) -> None:
    found = rates(counts)
    names = ("recall", "precision", "f1", "specificity", "balanced_accuracy")
    assert {name for name in names if math.isnan(getattr(found, name))} == undefined
    assert set(found.undefined) == undefined
    assert all(reason.startswith("no patient with") for reason in found.undefined.values())


def test_f1_is_zero_when_every_tumour_is_missed() -> None:
    assert rates(Counts(0, 3, 0, 2)).f1 == 0.0
