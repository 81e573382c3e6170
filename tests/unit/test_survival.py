"""Kaplan-Meier, Cox, log-rank and Schoenfeld against a textbook, statsmodels and plain counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import SurvfuncRight

from residua.statistics.cox import cox, log_rank
from residua.statistics.kaplan_meier import kaplan_meier, survival_at

# Freireich et al. 1963: weeks of remission with 6-mercaptopurine and with placebo, as Cox (1972) prints them.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
WEEKS, EVENT = TREATED + PLACEBO, RELAPSED + [1] * len(PLACEBO)
DRUG = [1.0] * len(TREATED) + [0.0] * len(PLACEBO)


def sample(seed: int, ties: bool = True) -> dict[str, NDArray[Any]]:
    """Forty patients of two strata whose risk rises with a value."""
    rng = np.random.default_rng(seed)
    value, strata = rng.normal(size=40), rng.choice(["validation", "test"], 40)
    days = rng.exponential(300 * np.exp(-0.6 * value))
    days = np.ceil(days / 60) * 60 if ties else rng.permutation(40) + 1.0
    return {"days": days, "death": rng.random(40) < 0.7, "value": value, "strata": strata}


def test_the_textbooks_survival_is_found() -> None:
    curve, median = kaplan_meier(TREATED, RELAPSED, 0.05)
    relapses = curve[curve["deaths"] > 0]
    assert relapses["day"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert relapses["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert relapses["survival"].round(3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert (median.days, median.low, median.high) == (23, 13, None)
    assert kaplan_meier(PLACEBO, [1] * 21, 0.05)[1].days == 8


@pytest.mark.parametrize("seed", range(4))
def test_survival_and_its_interval_agree_with_statsmodels(seed: int) -> None:
    given = sample(seed)
    curve, _ = kaplan_meier(given["days"], given["death"], 0.1)
    expected = SurvfuncRight(given["days"], given["death"].astype(int))
    deaths = curve[curve["deaths"] > 0]
    np.testing.assert_allclose(deaths["survival"], expected.surv_prob, atol=1e-6)
    np.testing.assert_allclose(deaths["at_risk"], expected.n_risk)
    inside = (deaths["survival"] > 0).to_numpy()
    survival, error = expected.surv_prob[inside], expected.surv_prob_se[inside]
    for name, sign in (("low", 1), ("high", -1)):
        spread = sign * stats.norm.ppf(0.95) * error / (survival * np.log(survival))
        np.testing.assert_allclose(deaths[name][inside], survival ** np.exp(-spread), atol=1e-6)


def test_at_risk_are_those_who_are_still_followed() -> None:
    curve, _ = kaplan_meier([10, 20, 20, 40], [1, 1, 0, 0], 0.05)
    assert [survival_at(curve, day)[0] for day in (0, 10, 11, 20, 21, 40, 41)] == [4, 4, 3, 3, 1, 1, 0]
    assert survival_at(curve, 30)[1] == pytest.approx(0.5)
    # Nobody is followed any longer, and one was alive at the end: what survival is then is not known.
    assert np.isnan(survival_at(curve, 41)[1])
    dead, _ = kaplan_meier([10, 20], [1, 1], 0.05)
    assert survival_at(dead, 30)[:2] == (0, 0.0)


def test_nobody_dies() -> None:
    curve, median = kaplan_meier([10, 20], [0, 0], 0.05)
    assert curve["survival"].tolist() == [1, 1, 1]
    assert curve[["low", "high"]].isna().all(axis=None)
    assert (median.days, median.low, median.high) == (None, None, None)
    assert len(kaplan_meier([], [], 0.05)[0]) == 0


def test_the_textbooks_hazard_ratio_is_found() -> None:
    found = cox(WEEKS, EVENT, DRUG, ["a"] * 42, 0.05)
    assert found.ratio == pytest.approx(np.exp(-1.5721), abs=1e-4)
    assert found.low == pytest.approx(np.exp(-1.5721 - 1.959964 * 0.4124), abs=1e-4)
    chi_squared, p_value, note = log_rank(WEEKS, EVENT, DRUG, ["a"] * 42)
    assert chi_squared == pytest.approx(16.79, abs=0.005)
    assert p_value == pytest.approx(stats.chi2.sf(16.793, 1), rel=1e-3)
    assert note == ""


@pytest.mark.parametrize("seed", range(4))
def test_the_hazard_ratio_agrees_with_statsmodels_within_strata(seed: int) -> None:
    given = sample(seed)
    found = cox(*given.values(), alpha=0.1)
    model = PHReg(
        given["days"], given["value"][:, None], status=given["death"], strata=given["strata"], ties="efron"
    ).fit(disp=0, method="newton", tol=1e-12)
    low, high = model.conf_int(alpha=0.1)[0]
    expected = [*np.exp([model.params[0], low, high]), model.pvalues[0]]
    np.testing.assert_allclose([found.ratio, found.low, found.high, found.p_value], expected, atol=1e-6)


def concordance(given: dict[str, NDArray[Any]], direction: float) -> float:
    """Count the pairs of a stratum of whom it is known who died first, ties of the risk as half."""
    right = pairs = 0.0
    days, death, risk, strata = (given[name] for name in ("days", "death", "value", "strata"))
    for i in range(len(days)):
        for j in range(len(days)):
            first = death[i] and (days[i] < days[j] or (days[i] == days[j] and not death[j]))
            if strata[i] == strata[j] and first:
                pairs += 1
                right += (direction * risk[i] > direction * risk[j]) + 0.5 * (risk[i] == risk[j])
    return right / pairs


@pytest.mark.parametrize("seed", range(3))
def test_concordance_is_the_share_of_pairs_in_order(seed: int) -> None:
    given = sample(seed)
    found = cox(*given.values(), alpha=0.05)
    assert found.ratio is not None
    assert found.concordance == pytest.approx(concordance(given, np.sign(np.log(found.ratio))), abs=1e-6)


def observed_and_expected(given: dict[str, NDArray[Any]]) -> float:
    """Sum observed minus expected deaths and their variance over the strata, as the test is defined."""
    excess = variance = 0.0
    for stratum in np.unique(given["strata"]):
        own = given["strata"] == stratum
        days, death, first = given["days"][own], given["death"][own], given["value"][own] > 0
        for day in np.unique(days[death]):
            at_risk, dies = days >= day, (days == day) & death
            n, n_first, d = at_risk.sum(), (at_risk & first).sum(), dies.sum()
            excess += (dies & first).sum() - d * n_first / n
            variance += d * n_first / n * (1 - n_first / n) * (n - d) / (n - 1) if n > 1 else 0.0
    return float(excess**2 / variance)


@pytest.mark.parametrize("seed", range(4))
def test_the_log_rank_test_sums_over_strata(seed: int) -> None:
    given = sample(seed)
    chi_squared, p_value, _ = log_rank(given["days"], given["death"], given["value"] > 0, given["strata"])
    assert chi_squared == pytest.approx(observed_and_expected(given), abs=1e-6)
    assert p_value == pytest.approx(stats.chi2.sf(observed_and_expected(given), 1), abs=1e-6)


def schoenfeld(given: dict[str, NDArray[Any]], log_ratio: float) -> float:
    """The test of Grambsch and Therneau with ranks of the times of death, of one covariate and no ties."""
    residuals, information = [], 0.0
    for day in np.sort(given["days"][given["death"]]):
        own = given["strata"] == given["strata"][given["days"] == day]
        values = given["value"][own & (given["days"] >= day)]
        weights = np.exp(log_ratio * values)
        mean = np.average(values, weights=weights)
        information += np.average(values**2, weights=weights) - mean**2
        residuals.append(given["value"][given["days"] == day][0] - mean)
    ranks = np.arange(len(residuals)) - (len(residuals) - 1) / 2
    scaled = len(residuals) * np.array(residuals) / information
    return float((ranks @ scaled) ** 2 / (len(residuals) / information * (ranks @ ranks)))


@pytest.mark.parametrize("seed", range(4))
def test_proportional_hazards_are_checked_by_the_scaled_schoenfeld_residuals(seed: int) -> None:
    given = {**sample(seed, ties=False), "strata": np.array(["a"] * 40)}
    found = cox(*given.values(), alpha=0.05)
    assert found.ratio is not None
    expected = stats.chi2.sf(schoenfeld(given, np.log(found.ratio)), 1)
    assert found.steady_p == pytest.approx(expected, abs=1e-6)


def test_an_effect_that_turns_round_is_noticed() -> None:
    # First the highest values die, later the lowest.
    days, value = np.arange(1.0, 41), np.r_[np.linspace(2, 0.5, 15), np.linspace(-2, 0.4, 25)]
    found = cox(days, [1] * 40, value, ["a"] * 40, 0.05)
    assert found.steady_p is not None
    assert found.steady_p < 0.05


@pytest.mark.parametrize(
    ("days", "death", "value", "reason"),
    [
        ([], [], [], "no patient"),
        ([5], [1], [1], "one patient only"),
        ([5, 6, 7], [0, 0, 0], [1, 2, 3], "no death"),
        ([5, 6, 7], [0, 1, 0], [1, 2, 3], "one death only"),
        ([5, 6, 7], [1, 1, 0], [1, 1, 1], "all patients have the same value"),
        ([5, 6, 7, 8], [1, 1, 0, 0], [1, 1, 0, 0], "whoever died had the extreme value of all at risk each time"),
        ([5, 6, 7, 8], [1, 1, 1, 0], [1, 2, 3, 4], "whoever died had the extreme value of all at risk each time"),
    ],
)
def test_what_cannot_be_estimated_is_said(days: Any, death: Any, value: Any, reason: str) -> None:
    found = cox(days, death, value, ["a"] * len(days), 0.05)
    assert found.note.startswith(f"not estimable: {reason}")
    assert found.ratio is found.low is found.high is found.p_value is found.concordance is found.steady_p is None


def test_strata_of_one_value_each_are_not_compared() -> None:
    given = ([5, 6, 7, 8], [1, 1, 1, 1], [0, 0, 1, 1], ["validation", "validation", "test", "test"])
    assert cox(*given, alpha=0.05).note == "not estimable: all patients at risk at a death have the same value"
    assert log_rank(*given)[2] == "not estimable: all patients at risk at a death have the same value"


def test_two_days_of_deaths_are_too_few_for_the_residuals() -> None:
    found = cox([5, 5, 6, 6, 7], [1, 1, 1, 0, 0], [1, 3, 2, 2, 1], ["a"] * 5, 0.05)
    assert found.ratio is not None
    assert (found.steady_p, found.steady_note) == (None, "not estimable: deaths on fewer than three days")


@pytest.mark.parametrize(
    ("days", "death", "value", "strata"),
    [
        ([5, 5], [1, 1], [1.0, 2.0], ["a", "a"]),
        ([5, 5, 5], [1, 1, 1], [1.0, 2.0, 4.0], ["a"] * 3),
        ([5, 5, 9, 9], [1, 1, 1, 1], [1.0, 2.0, 3.0, 7.0], ["a", "a", "b", "b"]),
        # Nobody is known to live longer than another, although two are censored before anybody dies.
        ([3, 4, 5, 5], [0, 0, 1, 1], [1.0, 2.0, 3.0, 7.0], ["a"] * 4),
        # A patient alone in a stratum has no other to outlive.
        ([5, 5, 9], [1, 1, 1], [1.0, 2.0, 3.0], ["a", "a", "b"]),
    ],
)
def test_without_a_pair_in_order_there_is_a_ratio_and_no_concordance(
    days: list[float], death: list[int], value: list[float], strata: list[str]
) -> None:
    found = cox(days, death, value, strata, 0.05)
    # Who of those that die together comes first is left to chance.
    assert found.ratio == pytest.approx(1)
    assert (found.note, found.concordance) == ("", None)
    assert found.concordance_note == "not estimable: nobody is known to outlive another"


def test_one_pair_in_order_is_enough_for_a_concordance() -> None:
    # The patient of the lower risk is alive on the day on which the other two die.
    given = {
        "days": np.array([5.0, 5, 5]),
        "death": np.array([True, True, False]),
        "value": np.array([1.0, 3, 2]),
        "strata": np.array(["a"] * 3),
    }
    found = cox(*given.values(), alpha=0.05)
    assert found.ratio is not None
    assert found.concordance == pytest.approx(concordance(given, 1.0)) == 0.5
    assert found.concordance_note == ""


@pytest.mark.parametrize(
    ("days", "death", "group", "strata"),
    [
        ([5, 5], [1, 1], [0, 1], ["a", "a"]),
        ([5, 5, 9, 9], [1, 1, 1, 1], [0, 1, 0, 1], ["a", "a", "b", "b"]),
        ([3, 5, 5, 5], [0, 1, 1, 1], [0, 0, 1, 1], ["a"] * 4),
        # After the day on which only the first group is left, there is nothing to compare.
        ([5, 5, 7, 8], [1, 1, 1, 1], [0, 1, 1, 1], ["a", "a", "b", "b"]),
    ],
)
def test_groups_that_die_out_on_one_day_are_not_tested(
    days: list[float], death: list[int], group: list[int], strata: list[str]
) -> None:
    assert log_rank(days, death, group, strata) == (None, None, "not estimable: all at risk die on the same day")


def test_one_death_that_leaves_a_survivor_is_enough_for_the_log_rank_test() -> None:
    given = {
        "days": np.array([5, 5, 9, 9, 9]),
        "death": np.array([True, True, True, True, False]),
        "value": np.array([0, 1, 0, 1, 1]),
        "strata": np.array(["a", "a", "b", "b", "b"]),
    }
    chi_squared, _, note = log_rank(*given.values())
    assert (chi_squared, note) == (pytest.approx(observed_and_expected(given)), "")
