"""Intervals of the classification, and which of them overlap."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import binom, norm

from residua.metrics.pooling import Pooled
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.statistics.bca import bca_interval
from residua.statistics.interval import Interval
from residua.statistics.intervals import intervals
from residua.statistics.normal import normal_interval
from residua.statistics.overlaps import overlaps

ALPHA, RESAMPLES, SEED = 0.05, 10_000, 20230613
CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
STATISTICS = Statistics(
    alpha=ALPHA,
    bootstrap_resamples=1000,
    interval_sd_multiplier=1.96,
    seed=SEED,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
NAN = math.nan


def _outcome(tp: int, fn: int, fp: int, tn: int) -> NDArray[np.str_]:
    return np.array(["TP"] * tp + ["FN"] * fn + ["FP"] * fp + ["TN"] * tn)


def _bca(outcome: NDArray[np.str_], rate: str) -> Interval:
    return bca_interval(outcome, rate, ALPHA, RESAMPLES, SEED)


def _limits(found: Interval) -> tuple[float, float]:
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


def _levels(below: float, equal: float, jackknife: list[NDArray[np.float64]]) -> tuple[float, float]:
    """The two levels of Efron's BCa, from the resamples below and at the estimate and the jackknife of each class."""
    bias = norm.ppf(below + equal / 2)
    influence = [(of.mean() - of) * (of.size - 1) / of.size for of in jackknife]
    acceleration = sum((of**3).sum() for of in influence) / (6 * sum((of**2).sum() for of in influence) ** 1.5)
    lower, upper = (bias + z / (1 - acceleration * z) for z in (bias + norm.ppf(level) for level in (0.025, 0.975)))
    return float(norm.cdf(lower)), float(norm.cdf(upper))


def _left_out(right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.delete(right, index).mean() for index in range(right.size)])


@pytest.mark.parametrize(
    ("right", "wrong", "rate"), [(50, 1, "sensitivity"), (40, 11, "sensitivity"), (10, 12, "specificity")]
)
def test_bca_of_a_rate_agrees_with_the_exact_bootstrap(right: int, wrong: int, rate: str) -> None:
    """The resamples of a rate are binomial, so that BCa needs no resampling; ours is within one patient of it."""
    n, share = right + wrong, right / (right + wrong)
    resampled = binom(n, share)
    lower, upper = _levels(
        resampled.cdf(right - 1), resampled.pmf(right), [_left_out(np.repeat([1.0, 0.0], [right, wrong]))]
    )
    outcome = _outcome(right, wrong, 5, 5) if rate == "sensitivity" else _outcome(5, 5, wrong, right)
    found = _bca(outcome, rate)
    assert found.estimate == pytest.approx(100 * share)
    exact = (100 * resampled.ppf(lower) / n, 100 * resampled.ppf(upper) / n)
    assert _limits(found) == pytest.approx(exact, abs=100 / n + 1e-9)
    assert (found.n, found.undefined, found.note) == (outcome.size, 0, "")


def test_bca_of_the_balanced_accuracy_agrees_with_a_bootstrap_of_its_own() -> None:
    """AGU-Net C: each class resampled within itself, other resamples, the same interval but for their chance."""
    found = _limits(_bca(_outcome(40, 11, 2, 20), "balanced_accuracy"))
    random = np.random.default_rng(1)
    positive, negative = np.repeat([1.0, 0.0], [40, 11]), np.repeat([1.0, 0.0], [20, 2])
    estimate = (positive.mean() + negative.mean()) / 2
    resampled = (random.binomial(51, 40 / 51, 200_000) / 51 + random.binomial(22, 20 / 22, 200_000) / 22) / 2
    jackknife = [(_left_out(positive) + negative.mean()) / 2, (positive.mean() + _left_out(negative)) / 2]
    levels = _levels(np.mean(resampled < estimate), np.mean(resampled == estimate), jackknife)
    assert found == pytest.approx(tuple(100 * np.quantile(resampled, levels)), abs=0.6)


def test_bca_is_not_the_percentile_interval() -> None:
    """The test above could not tell them apart if the correction were small: here it is not."""
    right, n = 50, 51
    low, _ = _limits(_bca(_outcome(right, n - right, 5, 5), "sensitivity"))
    assert low < 100 * binom(n, right / n).ppf(0.025) / n


def test_intervals_cover_the_truth_at_about_their_nominal_rate() -> None:
    """Sensitivity 0.8 of 51 patients: over every possible count, weighted by its chance, 95 % within 3 points."""
    hits = 0.0
    for found in range(30, 51):
        low, high = _limits(bca_interval(_outcome(found, 51 - found, 1, 1), "sensitivity", ALPHA, 2000, SEED))
        hits += binom(51, 0.8).pmf(found) * (low <= 80 <= high)
    assert hits == pytest.approx(0.95, abs=0.03)


def test_the_seed_decides_and_the_order_of_patients_within_a_class_does_not_matter_for_the_estimate() -> None:
    outcome = _outcome(40, 11, 8, 14)
    assert _bca(outcome, "balanced_accuracy") == _bca(outcome, "balanced_accuracy")
    other = bca_interval(outcome, "balanced_accuracy", ALPHA, 100, SEED + 1)
    assert other.estimate == _bca(outcome, "balanced_accuracy").estimate
    assert other != bca_interval(outcome, "balanced_accuracy", ALPHA, 100, SEED)


def test_a_wider_level_gives_a_wider_interval() -> None:
    outcome = _outcome(40, 11, 8, 14)
    narrow, wide = (_limits(bca_interval(outcome, "sensitivity", alpha, RESAMPLES, SEED)) for alpha in (0.2, 0.01))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_a_perfect_class_leaves_the_balanced_accuracy_its_interval() -> None:
    """Sensitivity 100 %: all the spread is the specificity's, halved."""
    outcome = _outcome(51, 0, 13, 9)
    sensitivity, specificity = _bca(outcome, "sensitivity"), _bca(outcome, "specificity")
    assert sensitivity == Interval(
        100.0, None, None, 73, 0, "no interval: the patients of each class are all classified alike"
    )
    found = _bca(outcome, "balanced_accuracy")
    low, high = _limits(specificity)
    assert found.estimate == pytest.approx((100 + 100 * 9 / 22) / 2)
    # The specificity's patients are drawn after the sensitivity's, hence others: within one patient of 22.
    assert _limits(found) == pytest.approx(((100 + low) / 2, (100 + high) / 2), abs=50 / 22 + 1e-9)
    assert found.note == ""


@pytest.mark.parametrize(
    ("counts", "rate", "expected"),
    [
        (
            (5, 0, 4, 0),
            "balanced_accuracy",
            Interval(
                50.0,
                None,
                None,
                9,
                0,
                "no interval: the patients of each class are all classified alike",
            ),
        ),
        (
            (0, 5, 1, 3),
            "sensitivity",
            Interval(0.0, None, None, 9, 0, "no interval: the patients of each class are all classified alike"),
        ),
        (
            (0, 0, 1, 3),
            "sensitivity",
            Interval(
                None, None, None, 0, 4, "not estimable: no patient with residual tumour in the reference"
            ),
        ),
        (
            (2, 1, 0, 0),
            "balanced_accuracy",
            Interval(
                None, None, None, 0, 3, "not estimable: no patient with gross total resection in the reference"
            ),
        ),
        (
            (1, 0, 1, 3),
            "sensitivity",
            Interval(100.0, None, None, 5, 0, "no interval: one patient only with residual tumour"),
        ),
        (
            (2, 1, 0, 1),
            "balanced_accuracy",
            Interval(
                pytest.approx(100 * (2 / 3 + 1) / 2), None, None, 4, 0,
                "no interval: one patient only with gross total resection",
            ),
        ),
    ],
)  # fmt: skip
def test_a_note_explains_a_rate_that_cannot_be_estimated(
    counts: tuple[int, ...], rate: str, expected: Interval
) -> None:
    assert _bca(_outcome(*counts), rate) == expected


def test_resamples_on_one_side_of_the_estimate_give_no_interval() -> None:
    """Two resamples tell too little of the bias; a study draws at least a hundred."""
    found = bca_interval(_outcome(3, 3, 4, 4), "balanced_accuracy", ALPHA, 2, seed=3)
    assert (found.estimate, found.low, found.high) == (50.0, None, None)
    assert found.note == "no interval: all resamples lie on one side of the estimate"


def test_a_normal_interval_is_the_mean_and_its_multiple_of_the_sd_unclipped() -> None:
    found = normal_interval(Pooled(mean=98.0, sd=5.0, n=100, undefined=0, folds_left_out=0), 1.96)
    assert _limits(found) == pytest.approx((88.2, 107.8))
    assert (found.estimate, found.n, found.undefined, found.note) == (98.0, 100, 0, "")
    assert _limits(normal_interval(Pooled(98.0, 5.0, 100, 0, 0), 1.0)) == pytest.approx((93.0, 103.0))


@pytest.mark.parametrize(
    ("pooled", "estimate", "note"),
    [
        (Pooled(50.0, NAN, 10, 0, 0), 50.0, "no interval: one fold only"),
        (Pooled(50.0, NAN, 10, 7, 2), 50.0, "undefined in 2 fold(s), left out; no interval: one fold only"),
        (Pooled(100.0, 0.0, 10, 0, 0), 100.0, "no interval: the same in every fold"),
        (Pooled(NAN, NAN, 0, 17, 2), None, "not estimable: undefined in every fold"),
    ],
)
def test_folds_without_a_spread_have_no_interval(pooled: Pooled, estimate: float | None, note: str) -> None:
    expected = Interval(estimate, None, None, pooled.n, pooled.undefined, note)
    assert normal_interval(pooled, 1.96) == expected


def test_a_note_counts_excluded_folds_beside_the_interval() -> None:
    found = normal_interval(Pooled(50.0, 10.0, 10, 5, 1), 2.0)
    assert _limits(found) == (30.0, 70.0)
    assert (found.undefined, found.note) == (5, "undefined in 1 fold(s), left out")


def _case(arch: str, inputs: str, fold: int | None, reference_ml: float, predicted_ml: float) -> dict[str, Any]:
    return {
        "arch": arch,
        "inputs": inputs,
        "split": "test" if fold is None else "validation",
        "fold": fold,
        "dice": 0.5,
        "reference_ml": reference_ml,
        "predicted_ml": predicted_ml,
    }


def _model(arch: str, inputs: str) -> list[dict[str, Any]]:
    """Fold 0: sensitivity 1/2, specificity 1. Fold 1: 1 and 0. Test: 3/4 and 2/3."""
    fold_0 = [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0)]
    fold_1 = [(1.0, 1.0), (0.0, 1.0)]
    test = [(1.0, 1.0)] * 3 + [(1.0, 0.0)] + [(0.0, 0.0)] * 2 + [(0.0, 1.0)]
    folds: list[tuple[int | None, list[tuple[float, float]]]] = [(0, fold_0), (1, fold_1), (None, test)]
    return [_case(arch, inputs, fold, *volumes) for fold, members in folds for volumes in members]


@pytest.mark.parametrize(("folds_ddof", "sd"), [(0, 25.0), (1, math.sqrt(1250))])
def test_intervals_of_every_model_split_and_rate(tmp_path: Path, folds_ddof: int, sd: float) -> None:
    cases = pd.DataFrame(_model("two", "B") + _model("one", "A")).astype({"fold": "Int64"})
    found = intervals(cases, CLASSIFICATION, STATISTICS.model_copy(update={"folds_ddof": folds_ddof}))
    found.to_parquet(tmp_path / "intervals.parquet", index=False)
    found = pd.read_parquet(tmp_path / "intervals.parquet")
    assert len(found) == 2 * 2 * 3
    assert list(zip(found["arch"], found["inputs"], strict=True))[::6] == [("two", "B"), ("one", "A")]
    of = found[found["arch"] == "two"].set_index(["split", "rate"])
    sensitivity = of.loc[("validation", "sensitivity")]
    # (3·50 + 2·100) / 5 = 70; the sd of 50 and 100 is 25 over n, √1250 over n − 1.
    assert (sensitivity["method"], sensitivity["n"], sensitivity["note"]) == ("normal", 5, "")
    assert (sensitivity["estimate"], sensitivity["low"], sensitivity["high"]) == pytest.approx(
        (70.0, 70 - 1.96 * sd, 70 + 1.96 * sd)
    )
    specificity = of.loc[("test", "specificity")]
    assert (specificity["method"], specificity["n"], specificity["undefined"]) == ("BCa", 7, 0)
    assert specificity["estimate"] == pytest.approx(200 / 3)
    balanced = bca_interval(_outcome(3, 1, 1, 2), "balanced_accuracy", ALPHA, 1000, SEED)
    row = of.loc[("test", "balanced_accuracy")]
    assert (row["low"], row["high"]) == pytest.approx(_limits(balanced))


def test_the_minimum_overlap_of_the_study_counts() -> None:
    cases = pd.DataFrame(_model("net", "A")).assign(dice=0.0).astype({"fold": "Int64"})
    strict = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.01)
    found = intervals(cases, strict, STATISTICS).set_index(["split", "rate"])
    assert found.loc[("test", "sensitivity"), "estimate"] == 0.0


def test_a_model_without_interval_has_null_and_a_note() -> None:
    cases = pd.DataFrame([_case("net", "A", fold, 1.0, 1.0) for fold in (0, 1, None, None)]).astype({"fold": "Int64"})
    found = intervals(cases, CLASSIFICATION, STATISTICS)
    assert found["low"].isna().all()
    assert found["high"].isna().all()
    assert (found["note"].str.len() > 0).all()


def _interval_row(arch: str, inputs: str, low: float, high: float, split: str = "test") -> dict[str, Any]:
    return {"arch": arch, "inputs": inputs, "split": split, "rate": "specificity", "low": low, "high": high}


def test_models_differ_when_their_intervals_do_not_overlap() -> None:
    frame = pd.DataFrame(
        [
            _interval_row("net", "A", 10.0, 20.0),
            _interval_row("net", "B", 20.0, 30.0),  # touches A
            _interval_row("net", "C", 20.5, 22.0),  # apart from A, within B
            _interval_row("net", "D", NAN, NAN),
        ]
    )
    found = overlaps(frame)
    answers = {(row.inputs_1, row.inputs_2): (row.overlap, row.significant) for row in found.itertuples()}
    assert answers["A", "B"] == (True, False)
    assert answers["A", "C"] == (False, True)
    assert answers["B", "C"] == (True, False)
    assert answers["A", "D"] == (pd.NA, pd.NA)
    notes = {(row.inputs_1, row.inputs_2): row.note for row in found.itertuples()}
    assert notes["A", "C"] == ""
    assert notes["A", "D"] == "not comparable: no interval of the second model"
    assert len(found) == 6


def test_a_pair_without_any_interval_names_both_and_an_order_does_not_matter() -> None:
    frame = pd.DataFrame([_interval_row("one", "A", NAN, NAN), _interval_row("two", "A", NAN, NAN)])
    assert overlaps(frame)["note"].tolist() == ["not comparable: no interval of the first and the second model"]
    apart = pd.DataFrame([_interval_row("one", "A", 5.0, 6.0), _interval_row("two", "A", 1.0, 2.0)])
    assert overlaps(apart)["significant"].tolist() == overlaps(apart[::-1])["significant"].tolist() == [True]


def test_pairs_are_of_one_split_and_rate() -> None:
    rows = [_interval_row("net", name, 1.0, 2.0, split) for split in ("validation", "test") for name in "AB"]
    found = overlaps(pd.DataFrame(rows))
    assert found[["split", "inputs_1", "inputs_2"]].to_numpy().tolist() == [
        ["validation", "A", "B"],
        ["test", "A", "B"],
    ]


def test_one_model_has_no_pair(tmp_path: Path) -> None:
    found = overlaps(pd.DataFrame([_interval_row("net", "A", 1.0, 2.0)]))
    found.to_parquet(tmp_path / "overlaps.parquet", index=False)
    back = pd.read_parquet(tmp_path / "overlaps.parquet")
    assert back.empty
    assert list(back.columns) == [
        *("split", "rate", "arch_1", "inputs_1", "arch_2", "inputs_2", "overlap", "significant", "note")
    ]
