"""Balanced accuracy of persons with scans of both classes: residual tumour at one operation, none at the next."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import chain, product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from residua.statistics.bca import bca_interval, paired_interval
from residua.statistics.detectable import detectable_of_classes
from residua.statistics.interval import Interval
from residua.statistics.mean_interval import mean_interval

ALPHA = 0.05
SCANS = {
    "P1": ["TP", "TP", "TN"],
    "P2": ["FN"],
    "P3": ["TP", "FN", "TN", "FP"],
    "P4": ["TN", "TN", "FP"],
    "P5": ["TP", "FP"],
    "P6": ["FN", "TP", "TP"],
}
"""The outcomes of six persons. A draw of P2 and P6 alone lacks a class, and so does one of P4 alone."""


def _balanced(outcomes: list[str]) -> float:
    """Balanced accuracy in percent, NaN without a class."""
    tp, fn, tn, fp = (outcomes.count(name) for name in ("TP", "FN", "TN", "FP"))
    return 50 * (tp / (tp + fn) + tn / (tn + fp)) if tp + fn and tn + fp else math.nan


def _joined(scans: Iterable[list[str]]) -> list[str]:
    return list(chain.from_iterable(scans))


def _exact(scans: dict[str, list[str]]) -> tuple[list[float], float]:
    """Efron's limits from every possible draw of whole persons, and the share of draws without one of the classes."""
    persons = list(scans.values())
    every = np.array([_balanced(_joined(drawn)) for drawn in product(persons, repeat=len(persons))])
    defined = np.sort(every[~np.isnan(every)])
    estimate = _balanced(_joined(persons))
    below = (np.mean(defined < estimate - 1e-9) + np.mean(defined < estimate + 1e-9)) / 2
    left_out = np.array([_balanced(_joined(persons[:i] + persons[i + 1 :])) for i in range(len(persons))])
    away = left_out.mean() - left_out
    bias, acceleration = stats.norm.ppf(below), (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    to = [bias + z for z in stats.norm.ppf([ALPHA / 2, 1 - ALPHA / 2])]
    levels = stats.norm.cdf([bias + z / (1 - acceleration * z) for z in to])
    return list(np.quantile(defined, levels)), float(np.mean(np.isnan(every)))


def _limits(found: Interval) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def _agreeing(number: int = 40) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Whether both scans of each person are right, for three of four persons; and the persons of the scans."""
    return np.arange(number) % 4 > 0, np.tile([f"P{n}" for n in range(number)], 2)


def test_whole_persons_of_both_classes_give_efrons_limits_over_every_draw() -> None:
    outcome = np.array(_joined(SCANS.values()))
    persons = np.repeat(list(SCANS), [len(of) for of in SCANS.values()])
    exact, lacking = _exact(SCANS)
    found = bca_interval(outcome, "balanced_accuracy", ALPHA, 40_000, 1, persons)
    assert _limits(found) == pytest.approx(exact, abs=0.6)
    assert found.estimate == pytest.approx(_balanced(list(outcome)))
    left_out = int(found.note.removeprefix("resamples without one of the classes left out: ").split()[0])
    assert left_out == pytest.approx(40_000 * lacking, abs=30)


@pytest.mark.parametrize("seed", [0, 7, 10, 22])
def test_one_scan_of_each_class_gives_the_limits_of_the_persons_own_means(seed: int) -> None:
    """SciPy's, of the same draws. Sums of two shares that differ in their last digit are one value, as there."""
    rng = np.random.default_rng(seed)
    number = int(rng.integers(8, 20))
    first = rng.random(number) < 0.8
    second = np.where(rng.random(number) < 0.6, first, rng.random(number) < 0.8)
    outcome = np.concatenate([np.where(first, "TP", "FN"), np.where(second, "TN", "FP")])
    persons = np.tile([f"P{n:02d}" for n in range(number)], 2)
    found = bca_interval(outcome, "balanced_accuracy", ALPHA, 2000, 1, persons)
    own = stats.bootstrap([50.0 * first + 50.0 * second], np.mean, n_resamples=2000, rng=np.random.default_rng(1))
    assert _limits(found) == pytest.approx(tuple(own.confidence_interval), abs=1e-6)


def test_persons_whose_scans_agree_have_a_wider_interval_than_as_many_who_differ() -> None:
    """Where both scans of a person are right or wrong together, there are half as many independent ones."""
    right, persons = _agreeing()
    outcome = np.concatenate([np.where(right, "TP", "FN"), np.where(right, "TN", "FP")])
    others = np.concatenate([persons[:40], np.char.add(persons[40:], "b")])
    low, high = _limits(bca_interval(outcome, "balanced_accuracy", ALPHA, 4000, 0, persons))
    of_others = _limits(bca_interval(outcome, "balanced_accuracy", ALPHA, 4000, 0, others))
    assert (high - low) / (of_others[1] - of_others[0]) == pytest.approx(math.sqrt(2), abs=0.15)
    of_one_class = [bca_interval(outcome, "sensitivity", ALPHA, 4000, 0, whose) for whose in (persons, others)]
    assert of_one_class[0] == of_one_class[1]


def test_a_paired_difference_draws_whole_persons_of_both_classes() -> None:
    """One model is right throughout, so that the difference is the other's share of wrong ones."""
    right, persons = _agreeing()
    before = np.concatenate([np.where(right, "TP", "FN"), np.where(right, "TN", "FP")])
    after = np.array(["TP"] * 40 + ["TN"] * 40)
    change = paired_interval(before, after, "balanced_accuracy", ALPHA, 4000, 0, persons)
    own = _limits(bca_interval(before, "balanced_accuracy", ALPHA, 4000, 0, persons))
    assert change.estimate == 25
    assert _limits(change) == pytest.approx((100 - own[1], 100 - own[0]), abs=2.6)
    assert _limits(change) == pytest.approx(_of_one_scan_each(~right), abs=2.6)


def _of_one_scan_each(wrong: NDArray[np.bool_]) -> tuple[float, float]:
    """SciPy's BCa limits of a share in percent: what agreeing scans of both classes have."""
    found = stats.bootstrap([100.0 * wrong], np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(5))
    return found.confidence_interval.low, found.confidence_interval.high


@pytest.mark.parametrize(("tp", "tn"), [(14, 9), (11, 5), (10, 4), (9, 7)])
@pytest.mark.parametrize("scans", [1, 2])
def test_balanced_accuracy_of_whole_numbers_is_the_same(scans: int, tp: int, tn: int) -> None:
    """SciPy's, of the same draws and counts: 12 · right of 20 + 20 · right of 12, whose ties no digit parts."""
    positive, negative = (np.arange(20) < tp).astype(float), (np.arange(12) < tn).astype(float)
    outcome = np.concatenate([np.where(positive, "TP", "FN"), np.where(negative, "TN", "FP")])
    persons = np.array([f"P{n // scans}" for n in range(32)]) if scans > 1 else None
    found = bca_interval(outcome, "balanced_accuracy", ALPHA, 1000, 7, persons)
    of_persons = [positive.reshape(-1, scans).sum(axis=1), negative.reshape(-1, scans).sum(axis=1)]

    def counted(first: NDArray[np.float64], second: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        sums = [each.sum(axis=axis) * (of / scans / each.shape[axis]) for each, of in ((first, 20), (second, 12))]
        return np.asarray(12 * sums[0] + 20 * sums[1])

    own = stats.bootstrap(
        of_persons, counted, n_resamples=1000, vectorized=True, rng=np.random.default_rng(7)
    ).confidence_interval
    assert _limits(found) == pytest.approx((own.low / 4.8, own.high / 4.8), abs=1e-9)
    assert found.note == ""


# Resamples that are alike up to rounding


def test_persons_of_one_mean_up_to_rounding_have_no_interval() -> None:
    """All resamples have the mean 0.4: its last digit is no spread."""
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(size=(7, 3)) * 0.1, 3)
    alike = 0.4 + values - values.mean(axis=1, keepdims=True)
    assert np.ptp(alike.mean(axis=1)) > 0
    found = mean_interval(alike.ravel(), ALPHA, 500, 0, np.repeat([f"P{n}" for n in range(7)], 3))
    assert found.estimate == pytest.approx(0.4)
    assert (found.low, found.high, found.note) == (None, None, "no interval: the resamples are too alike")


def test_scans_of_which_one_alone_is_right_in_every_person_have_no_interval() -> None:
    """Recall and specificity of every draw add up to 1."""
    right, persons = _agreeing(23)
    outcome = np.concatenate([np.where(right, "TP", "FN"), np.where(right, "FP", "TN")])
    found = bca_interval(outcome, "balanced_accuracy", ALPHA, 500, 0, persons)
    assert found == Interval(50.0, None, None, 46, 0, "no interval: the resamples of persons are too alike")


# The detectable difference


def test_the_detectable_difference_counts_what_agrees_within_persons() -> None:
    """All have both classes: 2.8016 · the standard error of the mean of the persons' own means."""
    rng = np.random.default_rng(4)
    ones = rng.choice([-1.0, 0.0, 1.0], 30)
    others = np.where(rng.random(30) < 0.7, ones, rng.choice([-1.0, 0.0, 1.0], 30))
    persons, classes = np.tile([f"P{n}" for n in range(30)], 2), np.arange(60) < 30
    found, why = detectable_of_classes(np.concatenate([ones, others]), classes, ALPHA, persons)
    own = (ones + others) / 2
    assert found == pytest.approx(2.8016 * own.std(ddof=1) / math.sqrt(30), rel=1e-4)
    assert why == ""
    none, why = detectable_of_classes(np.concatenate([ones, -ones]), classes, ALPHA, persons)
    assert (none, why) == (None, "not estimable: the differences of both classes cancel in every person")


def test_persons_of_one_class_each_leave_the_detectable_difference() -> None:
    differences, classes = [1.0, 0.0, 0.0, 1.0, 0.0, -1.0], np.arange(6) < 4
    persons = np.array([f"P{n}" for n in range(6)])
    plain = detectable_of_classes(differences, classes, ALPHA)
    assert detectable_of_classes(differences, classes, ALPHA, persons) == plain
