"""From predicted volumes to probabilities: Platt's curve, its reliability by folds, and who is undecidable."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.calibration import _SigmoidCalibration

from residua.statistics.calibration import (
    Bootstrap,
    Curve,
    Reliability,
    fit_curve,
    reliability,
    told_class,
    undecidable_ml,
)

CUT = 0.175
BOOTSTRAP = Bootstrap(alpha=0.05, resamples=300, seed=1)
TRUE = Curve(CUT, -1.5, 1.2)


def patients(n: int, curve: Curve = TRUE, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Volumes of patients, many of them 0, and classes drawn by a curve."""
    generator = np.random.default_rng(seed)
    volume = np.where(generator.random(n) < 0.3, 0.0, generator.lognormal(-0.5, 1.5, n))
    return volume, generator.random(n) < curve.probability(volume)


def fitted(volume: NDArray[np.float64], tumour: NDArray[np.bool_]) -> Curve:
    curve = fit_curve(volume, tumour, CUT)
    assert isinstance(curve, Curve)
    return curve


def judged(volume: NDArray[np.float64], tumour: NDArray[np.bool_], fold: NDArray[np.int_]) -> Reliability:
    found = reliability(volume, tumour, fold, CUT, BOOTSTRAP)
    assert isinstance(found, Reliability)
    return found


def test_the_curve_is_that_of_an_independent_platt_scaling() -> None:
    volume, tumour = patients(60)
    other = _SigmoidCalibration().fit(np.log1p(volume / CUT), tumour.astype(int))
    curve = fitted(volume, tumour)
    np.testing.assert_allclose([curve.intercept, curve.slope], [-other.b_, -other.a_], rtol=1e-3)


def test_many_patients_give_the_curve_that_drew_them() -> None:
    curve = fitted(*patients(40_000))
    assert (curve.intercept, curve.slope) == pytest.approx((TRUE.intercept, TRUE.slope), abs=0.05)


def test_classes_that_the_volume_separates_give_a_finite_curve() -> None:
    volume = np.array([0.0, 0.0, 0.0, 2.0, 3.0, 4.0])
    curve = fitted(volume, volume > 1)
    np.testing.assert_allclose(curve.probability([0.0, 4.0]), [1 / 5, 4 / 5], atol=0.05)


def test_a_volume_that_misleads_gives_a_level_curve_at_the_prevalence() -> None:
    volume = np.array([0.0, 0.0, 0.0, 5.0, 6.0, 7.0, 8.0])
    curve = fitted(volume, volume < 1)
    assert curve.slope == 0
    # Platt's targets: 4/5 for three with tumour, 1/6 for four without.
    np.testing.assert_allclose(curve.probability([0.0, 9.0]), (3 * 4 / 5 + 4 / 6) / 7, atol=1e-6)


@pytest.mark.parametrize(("tumour", "lacking"), [(True, "gross total resection"), (False, "residual tumour")])
def test_one_class_alone_cannot_be_calibrated(tumour: bool, lacking: str) -> None:
    every = np.full(5, tumour)
    assert fit_curve(np.arange(5.0), every, CUT) == f"not estimable: no patient with {lacking}"
    mixed = np.array([tumour, tumour, tumour, not tumour])
    found = reliability(np.arange(4.0), mixed, np.array([0, 0, 1, 1]), CUT, BOOTSTRAP)
    assert found == f"not estimable: no patient with {lacking} outside of fold 1"
    assert reliability(np.arange(4.0), mixed, np.zeros(4, int), CUT, BOOTSTRAP) == "not estimable: one fold only"


def test_reliability_of_patients_who_follow_the_curve() -> None:
    volume, tumour = patients(4000)
    found = judged(volume, tumour, np.arange(4000) % 5)
    expected = float(np.mean(TRUE.probability(volume) * (1 - TRUE.probability(volume))))
    assert found.brier.low < expected < found.brier.high
    assert found.brier.value < found.brier_of_prevalence
    assert found.expected_calibration_error < 0.03
    assert sum(each.patients for each in found.bins) == 4000
    assert 8 <= len(found.bins) <= 10
    assert all(abs(each.predicted - each.observed) < 0.1 for each in found.bins)


def test_a_hospital_that_differs_is_seen_in_the_reliability() -> None:
    volume, tumour = patients(2000)
    other, reversed_tumour = patients(1000, Curve(CUT, 3.0, 0.0), seed=5)
    fold = np.repeat([0, 1, 2], 1000)
    found = judged(np.append(volume, other), np.append(tumour, reversed_tumour), fold)
    assert found.expected_calibration_error > 0.25


def test_a_patient_is_judged_by_a_curve_that_has_not_seen_the_own_fold() -> None:
    volume, tumour = patients(40)
    fold = np.repeat([0, 1], 20)
    by_other = np.concatenate(
        [fitted(volume[fold != k], tumour[fold != k]).probability(volume[fold == k]) for k in (0, 1)]
    )
    expected = np.mean((by_other - tumour) ** 2)
    assert judged(volume, tumour, fold).brier.value == pytest.approx(expected)


def test_numbers_of_few_patients_by_hand() -> None:
    volume = np.array([0.0, 0.0, 5.0, 5.0] * 4)
    tumour = volume > 1
    found = judged(volume, tumour, np.repeat([0, 1], 8))
    # Platt's targets are 5/6 and 1/6 with four patients in each class, and two volumes fit them exactly.
    assert found.brier.value == pytest.approx(1 / 36, abs=1e-6)
    assert found.brier_of_prevalence == 0.25
    assert found.expected_calibration_error == pytest.approx(1 / 6, abs=1e-4)
    # Three bins were asked for; equal probabilities are not torn apart.
    assert [each.patients for each in found.bins] == [8, 8]


def test_the_order_of_patients_changes_nothing() -> None:
    volume, tumour = patients(100)
    order = np.random.default_rng(3).permutation(100)
    fold = np.arange(100) % 4
    one, other = judged(volume, tumour, fold), judged(volume[order], tumour[order], fold[order])
    assert one.brier.value == pytest.approx(other.brier.value)
    assert one.expected_calibration_error == pytest.approx(other.expected_calibration_error, abs=1e-6)
    assert [each.patients for each in one.bins] == [each.patients for each in other.bins]


@pytest.mark.parametrize("certainty", [0.6, 0.75, 0.9])
def test_a_class_is_told_outside_of_the_undecidable_volumes_and_nowhere_else(certainty: float) -> None:
    zone = undecidable_ml(TRUE, certainty)
    assert zone is not None
    low, high = zone
    assert high is not None
    for volume in np.geomspace(0.001, 100, 200):
        told = told_class(float(TRUE.probability(volume)), certainty)
        expected = "gross total resection" if volume < low else "residual tumour" if volume > high else "undecidable"
        assert told == expected
    assert high > CUT * np.expm1(1.5 / 1.2) > low


def test_zones_without_an_end() -> None:
    assert undecidable_ml(Curve(CUT, 0.0, 0.0), 0.75) == (0.0, None)
    assert undecidable_ml(Curve(CUT, 2.0, 0.0), 0.75) is None
    assert undecidable_ml(Curve(CUT, -2.0, 0.0), 0.75) is None
    low, high = undecidable_ml(Curve(CUT, -0.5, 1.0), 0.75) or (None, None)
    assert low == 0
    assert float(expit(-0.5 + np.log1p(high / CUT))) == pytest.approx(0.75)  # type: ignore[operator]
