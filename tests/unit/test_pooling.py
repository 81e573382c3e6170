"""One mean and sd over folds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from residua.metrics.pooling import pool_cases, pool_rates


def test_the_pooled_sd_of_cases_follows_the_formula() -> None:
    folds = {0: np.array([10.0, 20.0]), 1: np.array([0.0, 30.0, 60.0])}
    found = pool_cases(folds)
    # n 2 and 3, means 15 and 30, variances 50 and 900.
    mean = (2 * 15 + 3 * 30) / 5
    sd = math.sqrt(((1 * 50 + 2 * 15**2) + (2 * 900 + 3 * 30**2) - 5 * mean**2) / 4)
    assert (found.mean, found.sd) == pytest.approx((mean, sd))
    assert (found.n, found.undefined, found.folds_left_out) == (5, 0, 0)


def test_pooled_cases_have_the_mean_and_sd_of_all_cases_at_once() -> None:
    random = np.random.default_rng(1)
    folds = {fold: random.random(size) + fold for fold, size in enumerate((237, 151, 153, 155, 187))}
    everyone = np.concatenate(list(folds.values()))
    found = pool_cases(folds)
    assert (found.mean, found.sd) == pytest.approx((everyone.mean(), everyone.std(ddof=1)))


def test_weights_replace_the_numbers_of_cases_in_the_formula() -> None:
    folds = {0: np.array([10.0, 20.0]), 1: np.array([0.0, 30.0, 60.0]), 2: np.array([math.nan])}
    found = pool_cases(folds, {0: 7, 1: 4, 2: 50})
    mean = (7 * 15 + 4 * 30) / 11
    sd = math.sqrt(((6 * 50 + 7 * 15**2) + (3 * 900 + 4 * 30**2) - 11 * mean**2) / 10)
    assert (found.mean, found.sd) == pytest.approx((mean, sd))
    assert (found.n, found.undefined, found.folds_left_out) == (5, 1, 1)


def test_a_weighted_fold_of_one_case_adds_no_spread_of_its_own() -> None:
    found = pool_cases({0: [10.0], 1: [20.0]}, {0: 3, 1: 3})
    assert (found.mean, found.sd) == pytest.approx((15.0, math.sqrt(6 * 25 / 5)))
    assert math.isnan(pool_cases({0: [10.0]}, {0: 3}).sd)


def test_equal_cases_have_no_spread() -> None:
    assert pool_cases({0: [0.1] * 7, 1: [0.1] * 3}).sd == pytest.approx(0.0, abs=1e-12)


def test_undefined_cases_and_empty_folds_are_excluded_and_counted() -> None:
    found = pool_cases({0: [1.0, math.nan, 3.0], 1: [math.nan], 2: []})
    assert (found.mean, found.sd) == pytest.approx((2.0, math.sqrt(2)))
    assert (found.n, found.undefined, found.folds_left_out) == (2, 2, 2)


def test_one_case_has_a_mean_and_no_sd() -> None:
    found = pool_cases({0: [5.0]})
    assert found.mean == 5.0
    assert math.isnan(found.sd)


@pytest.mark.parametrize("folds", [{}, {0: [math.nan]}])
def test_without_defined_cases_mean_and_sd_are_nan(folds: dict[int, list[float]]) -> None:
    found = pool_cases(folds)
    assert math.isnan(found.mean)
    assert math.isnan(found.sd)
    assert found.n == 0


def test_rates_weigh_by_patients_and_spread_over_folds() -> None:
    found = pool_rates({0: 100.0, 1: 50.0}, {0: 30, 1: 10}, ddof=1)
    assert found.mean == pytest.approx(87.5)
    assert found.sd == pytest.approx(math.sqrt(2 * 25**2 / 1))
    assert pool_rates({0: 100.0, 1: 50.0}, {0: 30, 1: 10}, ddof=0).sd == pytest.approx(25.0)


def test_a_fold_with_an_undefined_rate_is_excluded_with_its_patients() -> None:
    found = pool_rates({0: 100.0, 1: math.nan, 2: 40.0}, {0: 30, 1: 500, 2: 30}, ddof=1)
    assert found.mean == pytest.approx(70.0)
    assert found.sd == pytest.approx(np.std([100, 40], ddof=1))
    assert (found.n, found.undefined, found.folds_left_out) == (60, 500, 1)


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("rates", [{0: 80.0}, {0: 80.0, 1: math.nan}])
def test_one_fold_has_no_spread_over_folds(rates: dict[int, float], ddof: int) -> None:
    found = pool_rates(rates, dict.fromkeys(rates, 10), ddof)
    assert found.mean == 80.0
    assert math.isnan(found.sd)


def test_no_defined_rate_has_no_mean() -> None:
    assert math.isnan(pool_rates({0: math.nan}, {0: 10}, ddof=0).mean)


def test_rates_and_patients_of_different_folds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"rates of folds \[0\], patients of folds \[0, 1\]"):
        pool_rates({0: 80.0}, {0: 10, 1: 20}, ddof=0)
