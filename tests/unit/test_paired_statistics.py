"""Tests of the paired statistics: each against another implementation, and by hand."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar as mcnemar_of_statsmodels
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from residua.statistics.auroc import auroc, auroc_difference
from residua.statistics.cliffs_delta import cliffs_delta
from residua.statistics.cluster_bootstrap import cluster_interval
from residua.statistics.detectable import detectable, detectable_of_classes
from residua.statistics.equivalence import equivalence
from residua.statistics.friedman import friedman
from residua.statistics.holm import holm, with_holm
from residua.statistics.mcnemar import mcnemar
from residua.statistics.mean_interval import mean_interval
from residua.statistics.signed_rank import signed_rank

ALPHA, SIX_DIGITS = 0.05, 1e-6
SIZES = (3, 8, 20, 60)


def _differences(n: int, shift: float = 0.1) -> NDArray[np.float64]:
    return np.round(np.random.default_rng(n).normal(shift, 0.2, n), 3)


# Holm


@pytest.mark.parametrize("p_values", [[0.3], [0.01, 0.02, 0.02, 0.9], list(np.random.default_rng(1).random(10) / 5)])
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, ALPHA, method="holm")[1], abs=SIX_DIGITS)


def test_holm_by_hand_and_without_the_tests_that_were_not_possible() -> None:
    """Of three: 3 · 0.01, then 2 · 0.02, then 0.03, which may not be below the one before it."""
    assert holm([0.02, None, 0.01, 0.03]) == pytest.approx([0.04, None, 0.03, 0.04])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_each_family_is_corrected_by_itself() -> None:
    rows = [{"family": f, "p_value": p} for f, p in (("a", 0.03), ("b", 0.03), ("a", 0.02), ("c", None))]
    found = with_holm(rows, ["family"], ALPHA)
    assert [row["p_holm"] for row in found] == [0.04, 0.03, 0.04, None]
    assert [row["significant"] for row in found] == [True, True, True, None]


# Wilcoxon and the rank-biserial correlation


@pytest.mark.parametrize("n", SIZES)
def test_wilcoxon_agrees_with_scipy(n: int) -> None:
    found, other = signed_rank(_differences(n)), stats.wilcoxon(_differences(n))
    assert found.w_plus is not None
    ranks = n * (n + 1) / 2
    assert (min(found.w_plus, ranks - found.w_plus), found.p_value) == pytest.approx(
        (other.statistic, other.pvalue), abs=SIX_DIGITS
    )


@pytest.mark.parametrize("differences", [[1.0, -2.0, 3.0, 4.0, 5.5], [0.5, 1.5, 2.5, 4.0, 5.0, -6.0, 7.0]])
def test_wilcoxon_agrees_with_every_sign_tried(differences: list[float]) -> None:
    ranks = stats.rankdata(np.abs(differences))
    mean = ranks.sum() / 2
    sums = [float(ranks[np.array(signs)].sum()) for signs in product([True, False], repeat=len(ranks))]
    found = signed_rank(differences)
    assert found.w_plus == float(ranks[np.array(differences) > 0].sum())
    as_far = np.mean([abs(of - mean) >= abs(found.w_plus - mean) for of in sums])
    assert found.p_value == pytest.approx(as_far)


def test_rank_biserial_by_hand() -> None:
    """Ranks of 1, −2, 3, −4: 4 for and 6 against, of 10."""
    found = signed_rank([1.0, -2.0, 0.0, 3.0, -4.0])
    assert (found.differing, found.rank_biserial) == (4, -0.2)
    assert signed_rank([0.1, 0.3]).rank_biserial == -signed_rank([-0.1, -0.3]).rank_biserial == 1.0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("differences", "why"),
    [([], "no patient"), ([0.3], "one patient only"), ([0.0, 0.0, 0.0], "all differences are zero")],
)
def test_wilcoxon_says_why_it_is_not_estimable(differences: list[float], why: str) -> None:
    found = signed_rank(differences)
    assert (found.p_value, found.rank_biserial, found.note) == (None, None, f"not estimable: {why}")


# Friedman


@pytest.mark.parametrize("decimals", [1, 6])
def test_friedman_agrees_with_scipy_with_ties_and_without(decimals: int) -> None:
    table = np.round(np.random.default_rng(2).random((12, 4)) + np.array([0, 0.1, 0.2, 0.3]), decimals)
    found, other = friedman(table), stats.friedmanchisquare(*table.T)
    assert (found.chi_squared, found.p_value) == pytest.approx((other.statistic, other.pvalue), abs=SIX_DIGITS)
    assert (found.n, found.models, found.freedom) == (12, 4, 3)


def test_friedman_by_hand() -> None:
    """All patients order three models alike: rank sums 12, 8, 4; 12 / (4 · 3 · 4) · 224 − 3 · 4 · 4 = 8, and W = 1."""
    found = friedman([[0.9, 0.5, 0.1]] * 4)
    assert (found.chi_squared, found.kendalls_w) == pytest.approx((8.0, 1.0))
    assert found.p_value == pytest.approx(math.exp(-4))


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ([[0.1, 0.2]] * 5, "two models only, which the test of their pair compares"),
        ([[0.1, 0.2, 0.3]], "one patient only"),
        (np.empty((0, 3)), "no patient has all of them"),
        ([[0.5, 0.5, 0.5], [0.2, 0.2, 0.2]], "no patient tells the models apart"),
    ],
)
def test_friedman_says_why_it_is_not_estimable(table: Any, why: str) -> None:
    found = friedman(table)
    assert (found.p_value, found.chi_squared, found.note) == (None, None, f"not estimable: {why}")


# Cliff's delta

_SAMPLE = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=2, max_size=12)


@given(_SAMPLE, _SAMPLE)
def test_cliffs_delta_agrees_with_a_count_of_all_pairs(first: list[float], second: list[float]) -> None:
    pairs = [np.sign(one - other) for one, other in product(first, second)]
    assert cliffs_delta(first, second) == pytest.approx(np.mean(pairs), abs=SIX_DIGITS)
    u = stats.mannwhitneyu(first, second).statistic
    assert cliffs_delta(first, second) == pytest.approx(2 * u / len(pairs) - 1, abs=SIX_DIGITS)


@pytest.mark.parametrize(("first", "second"), [([], []), ([0.5], [0.2]), ([0.5], [0.1, 0.2])])
def test_cliffs_delta_of_fewer_than_two_values_is_not_estimated(first: list[float], second: list[float]) -> None:
    assert cliffs_delta(first, second) is None


# McNemar


def _right(first_alone: int, second_alone: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Three patients about whom both are right, and two about whom none is, beside those about whom one alone is."""
    first = np.repeat([True, True, False, False], [3, first_alone, second_alone, 2])
    second = np.repeat([True, False, True, False], [3, first_alone, second_alone, 2])
    return first, second


@pytest.mark.parametrize(("first_alone", "second_alone"), [(1, 0), (5, 1), (12, 20), (7, 7), (0, 9)])
def test_mcnemar_agrees_with_statsmodels(first_alone: int, second_alone: int) -> None:
    found = mcnemar(*_right(first_alone, second_alone))
    assert (found.first_alone, found.second_alone) == (first_alone, second_alone)
    other = mcnemar_of_statsmodels([[3, first_alone], [second_alone, 2]], exact=True)
    assert found.p_value == pytest.approx(other.pvalue, abs=SIX_DIGITS)


def test_mcnemar_by_hand_and_without_a_patient_who_tells() -> None:
    assert mcnemar(*_right(5, 1)).p_value == pytest.approx(2 * (1 + 6) / 2**6)
    assert mcnemar(*_right(0, 0)).note == "not estimable: both are right about the same patients"
    assert mcnemar([], []).note == "not estimable: no patient"


# Equivalence and power


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shift", [-0.1, 0.0, 0.2])
def test_equivalence_agrees_with_statsmodels(n: int, shift: float) -> None:
    differences = _differences(n, shift)
    found = equivalence(differences, 0.1, ALPHA)
    p_value, _, _ = ttost_paired(differences, np.zeros(n), -0.1, 0.1)
    assert found.p_value == pytest.approx(p_value, abs=SIX_DIGITS)
    interval = stats.ttest_1samp(differences, 0).confidence_interval(1 - 2 * ALPHA)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=SIX_DIGITS)
    assert found.equivalent == (p_value < ALPHA) == bool(interval.low > -0.1 and interval.high < 0.1)


def test_a_small_difference_of_few_patients_is_neither_significant_nor_on_par() -> None:
    differences = [0.15, -0.12, 0.1, -0.11, 0.02]
    assert signed_rank(differences).p_value > ALPHA  # type: ignore[operator]
    assert equivalence(differences, 0.05, ALPHA).equivalent is False
    assert equivalence(differences, 0.20, ALPHA).equivalent is True


@pytest.mark.parametrize(
    ("differences", "why"),
    [([], "no patient"), ([0.1], "one patient only"), ([0.1, 0.1, 0.1], "all differences are the same")],
)
def test_equivalence_and_power_say_why_they_are_not_estimable(differences: list[float], why: str) -> None:
    found = equivalence(differences, 0.05, ALPHA)
    assert (found.p_value, found.equivalent, found.note) == (None, None, f"not estimable: {why}")
    assert detectable(differences, ALPHA) == (None, f"not estimable: {why}")


@pytest.mark.parametrize("n", [2, 5, 20, 51, 604])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_detectable_difference_agrees_with_statsmodels(n: int, alpha: float) -> None:
    differences = np.random.default_rng(n).normal(0.3, 0.2, n)
    found, note = detectable(differences, alpha)
    assert found is not None
    power = TTestPower().power(found / differences.std(ddof=1), n, alpha, alternative="two-sided")
    assert (power, note) == (pytest.approx(0.8, abs=SIX_DIGITS), "")


def test_the_detectable_difference_is_found_in_four_of_five_samples() -> None:
    rng, sample = np.random.default_rng(4), np.random.default_rng(0).normal(0, 0.2, 20)
    smallest, _ = detectable(sample, ALPHA)
    drawn = rng.normal(smallest, sample.std(ddof=1), (4000, 20))
    assert np.mean(stats.ttest_1samp(drawn, 0, axis=1).pvalue < ALPHA) == pytest.approx(0.8, abs=0.02)


def test_the_detectable_difference_of_balanced_accuracy_by_hand_and_in_samples() -> None:
    """Of 40 and 20 patients with variances 0.25 · 40/39 and 0.25 · 20/19: 2.8016 · √(0.00641 + 0.01316) / 2."""
    ones, others = np.tile([0.0, 1.0], 20), np.tile([0.0, -1.0], 10)
    classes = np.arange(60) < 40
    found, _ = detectable_of_classes(np.concatenate([ones, others]), classes, ALPHA)
    assert found == pytest.approx(2.8016 / 2 * math.sqrt(0.25 / 39 + 0.25 / 19), abs=1e-5)
    assert found is not None
    rng = np.random.default_rng(9)
    means = [rng.normal(found, 0.5, (4000, n)) for n in (40, 20)]
    error = np.sqrt(sum(of.var(axis=1, ddof=1) / of.shape[1] for of in means)) / 2
    z = (means[0].mean(axis=1) + means[1].mean(axis=1)) / 2 / error
    assert np.mean(np.abs(z) > stats.norm.ppf(0.975)) == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(
    ("differences", "classes", "why"),
    [
        ([1, 0, 1], [True, True, False], "fewer than two patients of a class"),
        ([], [], "fewer than two patients of a class"),
        ([0, 0, 0, 0], [True, True, False, False], "all differences of a class are the same"),
    ],
)
def test_the_detectable_difference_of_classes_says_why_it_is_not_estimable(
    differences: Any, classes: Any, why: str
) -> None:
    assert detectable_of_classes(differences, classes, ALPHA) == (None, f"not estimable: {why}")


# DeLong


def _scored(
    ones: int, others: int, seed: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Two scores of the same patients, with ties."""
    rng, positive = np.random.default_rng(seed), np.arange(ones + others) < ones
    common = rng.normal(positive * 1.0, 1)
    return np.round(common + rng.normal(0, 0.5, common.size), 1), np.round(common, 1), positive


def _kernel(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Whether each positive patient (rows) scores higher than each negative one; one half for a tie."""
    ones, others = score[positive][:, None], score[~positive][None, :]
    return (ones > others) + 0.5 * (ones == others)


def _covariance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """DeLong's covariance of two areas from their kernels, as the article has it."""
    ones = np.cov(first.mean(axis=1), second.mean(axis=1))[0, 1] / first.shape[0]
    return float(ones + np.cov(first.mean(axis=0), second.mean(axis=0))[0, 1] / first.shape[1])


@pytest.mark.parametrize(("ones", "others"), [(5, 4), (8, 5), (51, 22)])
def test_areas_and_their_difference_agree_with_delongs_article(ones: int, others: int) -> None:
    first, second, positive = _scored(ones, others)
    a, b = _kernel(first, positive), _kernel(second, positive)
    found, z = auroc(first, positive, ALPHA), stats.norm.ppf(0.975)
    half = z * math.sqrt(_covariance(a, a))
    expected = (a.mean(), max(0, a.mean() - half), min(1, a.mean() + half))
    assert (found.estimate, found.low, found.high) == pytest.approx(expected, abs=SIX_DIGITS)
    compared = auroc_difference(first, second, positive, ALPHA)
    variance = _covariance(a, a) + _covariance(b, b) - 2 * _covariance(a, b)
    difference, error = a.mean() - b.mean(), math.sqrt(variance)
    assert (compared.difference.low, compared.difference.high) == pytest.approx(
        (difference - z * error, difference + z * error), abs=SIX_DIGITS
    )
    assert compared.p_value == pytest.approx(2 * stats.norm.sf(abs(difference) / error), abs=SIX_DIGITS)


def test_the_area_is_that_of_scikit_learn() -> None:
    score, _, positive = _scored(30, 20)
    assert auroc(score, positive, ALPHA).estimate == pytest.approx(roc_auc_score(positive, score), abs=SIX_DIGITS)


def test_further_scans_of_a_person_that_tell_nothing_new_make_no_area_more_certain() -> None:
    first, second, positive = _scored(20, 15)
    persons = np.array([f"P{n}" for n in range(35)])
    thrice = {"positive": np.tile(positive, 3), "alpha": ALPHA, "persons": np.tile(persons, 3)}
    once, again = auroc(first, positive, ALPHA), auroc(np.tile(first, 3), **thrice)
    assert (again.estimate, again.low) == pytest.approx((once.estimate, once.low))
    naive = auroc(np.tile(first, 3), thrice["positive"], ALPHA)
    assert naive.low > once.low + 0.01  # type: ignore[operator]
    of_one, of_three = (
        auroc_difference(first, second, positive, ALPHA),
        auroc_difference(np.tile(first, 3), np.tile(second, 3), **thrice),
    )
    assert of_three.p_value == pytest.approx(of_one.p_value)


def test_the_variance_of_persons_in_both_classes_is_obuchowskis() -> None:
    """By her sums over clusters, written out; a person may have scans with and without residual tumour."""
    rng = np.random.default_rng(8)
    persons = rng.integers(0, 12, 40)
    positive = rng.random(40) < 0.5
    score = rng.normal(positive, 1) + rng.normal(0, 1, 12)[persons]
    kernel = _kernel(score, positive)
    area, (m, n) = kernel.mean(), kernel.shape
    ones, others = persons[positive], persons[~positive]
    over = {p: (kernel.mean(axis=1) - area)[ones == p].sum() for p in set(persons)}
    under = {p: (kernel.mean(axis=0) - area)[others == p].sum() for p in set(persons)}
    i10, i01, every = len(set(ones)), len(set(others)), len(set(persons))
    variance = (
        i10 / (i10 - 1) / m**2 * sum(of**2 for of in over.values())
        + i01 / (i01 - 1) / n**2 * sum(of**2 for of in under.values())
        + 2 * every / (every - 1) / (m * n) * sum(over[p] * under[p] for p in over)
    )
    found = auroc(score, positive, ALPHA, np.array([f"P{p}" for p in persons]))
    assert found.low == pytest.approx(area - stats.norm.ppf(0.975) * math.sqrt(variance), abs=SIX_DIGITS)


@pytest.mark.parametrize(
    ("score", "positive", "note"),
    [
        ([1.0, 2.0], [True, True], "not estimable: no patient with gross total resection"),
        ([], [], "not estimable: no patient with residual tumour; no patient with gross total resection"),
        ([1.0, 2.0, 3.0], [False, True, True], "no interval: one patient only with gross total resection"),
        ([1.0, 2.0, 3.0, 4.0], [False, False, True, True], "no interval: every patient compares alike with those of"),
    ],
)
def test_an_area_says_why_it_or_its_interval_is_not_estimable(score: Any, positive: Any, note: str) -> None:
    found, compared = auroc(score, positive, ALPHA), auroc_difference(score, score, positive, ALPHA)
    assert found.note.startswith(note)
    assert found.low is found.high is compared.p_value is compared.difference.low is None
    assert compared.difference.note


# Intervals of clusters


def test_clusters_of_one_patient_are_the_plain_bootstrap() -> None:
    values = np.random.default_rng(5).normal(0.1, 0.2, 40)
    found = cluster_interval(values, np.arange(40), "person", ALPHA, 20000, 1)
    plain = stats.bootstrap((values,), np.mean, n_resamples=20000, method="percentile", rng=np.random.default_rng(2))
    expected = (plain.confidence_interval.low, plain.confidence_interval.high)
    assert (found.low, found.high) == pytest.approx(expected, abs=0.003)


def test_the_cluster_bootstrap_agrees_with_one_of_loops() -> None:
    rng = np.random.default_rng(6)
    hospitals = np.repeat(["STO", "GOT", "PAR", "GRO"], [12, 5, 9, 2])
    values = rng.normal(0, 0.1, 28) + np.repeat([0.0, 0.3, 0.1, -0.2], [12, 5, 9, 2])
    means = []
    for _ in range(8000):
        drawn = rng.choice(["STO", "GOT", "PAR", "GRO"], 4)
        means.append(np.concatenate([rng.choice(values[hospitals == h], (hospitals == h).sum()) for h in drawn]).mean())
    found = cluster_interval(values, hospitals, "hospital", ALPHA, 8000, 1)
    assert (found.low, found.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.01)


def test_patients_who_are_alike_within_hospitals_give_a_wider_interval() -> None:
    values = np.repeat([0.1, 0.2, 0.3, 0.4, 0.5], 20) + np.random.default_rng(0).normal(0, 0.01, 100)
    over = cluster_interval(values, np.repeat(np.arange(5), 20), "hospital", ALPHA, 2000, 1)
    plain = mean_interval(values, ALPHA, 2000, 1)
    assert over.high - over.low > 3 * (plain.high - plain.low)  # type: ignore[operator]


def test_the_mean_of_two_classes_leaves_out_resamples_without_one() -> None:
    values, classes = [10.0, 20.0, 0.0, 4.0], [True, True, False, False]
    found = cluster_interval(values, ["STO", "STO", "GOT", "GOT"], "hospital", ALPHA, 1000, 3, classes)
    assert found.estimate == (15 + 2) / 2
    left_out = int(found.note.removeprefix("resamples without one of the classes left out: ").split()[0])
    assert left_out == pytest.approx(500, abs=60)
    assert 5 <= found.low <= found.high <= 12  # type: ignore[operator]


@pytest.mark.parametrize(
    ("values", "clusters", "why"),
    [
        ([], [], "no patient"),
        ([0.1, 0.5], ["AMS", "AMS"], "one hospital only"),
        ([0.5, 0.5], ["AMS", "STO"], "all resamples give the same"),
        ([0.1] * 7, ["AMS", "STO", "GOT", "PAR", "HAG", "HAG", "HAG"], "all resamples give the same"),
    ],
)
def test_the_cluster_bootstrap_says_why_it_is_not_estimable(values: Any, clusters: Any, why: str) -> None:
    found = cluster_interval(values, clusters, "hospital", ALPHA, 100, 0)
    assert (found.low, found.high, found.note) == (None, None, f"not estimable: {why}")


# BCa of a paired difference


def test_bca_of_a_paired_difference_agrees_with_an_implementation_of_its_own() -> None:
    """Efron's formulas on the exact distribution of the mean of six differences over all 6⁶ resamples."""
    differences = np.array([0.05, 0.1, -0.02, 0.2, 0.31, 0.04])
    exact = np.sort(differences[np.array(list(product(range(6), repeat=6)))].mean(axis=1))
    mean = differences.mean()
    below = (np.mean(exact < mean - 1e-12) + np.mean(exact < mean + 1e-12)) / 2
    left_out = np.array([np.delete(differences, i).mean() for i in range(6)])
    away = left_out.mean() - left_out
    bias, acceleration = stats.norm.ppf(below), (away**3).sum() / (6 * (away**2).sum() ** 1.5)
    levels = [
        stats.norm.cdf(bias + (bias + z) / (1 - acceleration * (bias + z))) for z in stats.norm.ppf([0.025, 0.975])
    ]
    found = mean_interval(differences, ALPHA, 100_000, 1)
    assert (found.low, found.high) == pytest.approx(np.quantile(exact, levels), abs=0.002)


def test_the_pairs_matter_to_the_paired_tests_alone() -> None:
    """The same two samples, paired as they belong and at random."""
    first = np.random.default_rng(1).uniform(0.2, 0.8, 40)
    second = first - 0.03 + np.random.default_rng(2).normal(0, 0.03, 40)
    at_random = np.random.default_rng(3).permutation(second)
    assert signed_rank(first - second).p_value < 0.001 < 0.1 < signed_rank(first - at_random).p_value  # type: ignore[operator]
    assert stats.mannwhitneyu(first, second).pvalue > 0.1
    assert cliffs_delta(first, second) == cliffs_delta(first, at_random)
