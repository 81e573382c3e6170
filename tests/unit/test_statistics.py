"""Tests of segmentation: Tukey's range test, Mann-Whitney U, and which inputs enter them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import studentized_range

from residua.errors import ResiduaError
from residua.settings.classification import Classification
from residua.statistics.best_inputs import best_inputs
from residua.statistics.cases import read_cases
from residua.statistics.compare_architectures import compare_architectures
from residua.statistics.compare_inputs import compare_inputs
from residua.statistics.mann_whitney import mann_whitney
from residua.statistics.range_test import Difference, range_test

ALPHA = 0.05
NAN = math.nan
CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)

# NIST/SEMATECH e-Handbook of Statistical Methods, 7.4.3.3: four treatments of five observations.
NIST = {
    "1": [6.9, 5.4, 5.8, 4.6, 4.0],
    "2": [8.3, 6.8, 7.8, 9.2, 6.5],
    "3": [8.0, 10.5, 8.1, 6.9, 9.3],
    "4": [5.8, 3.8, 6.1, 5.6, 6.2],
}
# 7.4.7.1: its 95 % intervals, as printed.
NIST_INTERVALS = {
    ("2", "1"): (0.29, 4.47),
    ("3", "1"): (1.13, 5.31),
    ("1", "4"): (-2.25, 1.93),
    ("2", "3"): (-2.93, 1.25),
    ("2", "4"): (0.13, 4.31),
    ("3", "4"): (0.97, 5.15),
}


def _by_pair(found: Sequence[Difference]) -> dict[tuple[str, str], Difference]:
    return {(of.first, of.second): of for of in found}


@pytest.mark.parametrize(("pair", "printed"), list(NIST_INTERVALS.items()))
def test_tukeys_intervals_are_those_of_a_worked_example(pair: tuple[str, str], printed: tuple[float, float]) -> None:
    ordered = {name: NIST[name] for name in (*pair, *(set(NIST) - set(pair)))}
    found = _by_pair(range_test(ordered, ALPHA))[pair]
    assert found.low is not None
    assert found.high is not None
    assert (round(found.low, 2), round(found.high, 2)) == printed
    assert found.significant == (printed[0] > 0 or printed[1] < 0)


def test_tukey_by_hand_with_groups_of_unequal_size() -> None:
    """Kramer's form: MSE = (2 + 8 + 2) / (3 + 3 + 2 − 3) = 2.4 with 5 degrees of freedom."""
    groups = {"A": [1.0, 2.0, 3.0], "B": [2.0, 4.0, 6.0], "C": [8.0, 10.0]}
    means, sizes, mse, freedom = {"A": 2.0, "B": 4.0, "C": 9.0}, {"A": 3, "B": 3, "C": 2}, 2.4, 5
    critical = studentized_range.ppf(1 - ALPHA, 3, freedom)
    for pair, found in _by_pair(range_test(groups, ALPHA)).items():
        difference = means[pair[0]] - means[pair[1]]
        error = math.sqrt(mse / 2 * sum(1 / sizes[name] for name in pair))
        assert (found.n_1, found.n_2) == (sizes[pair[0]], sizes[pair[1]])
        assert found.mean_difference == pytest.approx(difference)
        assert (found.low, found.high) == pytest.approx((difference - critical * error, difference + critical * error))
        assert found.p_value == pytest.approx(studentized_range.sf(abs(difference) / error, 3, freedom))
        assert found.note == ""


def test_every_pair_of_groups_is_tested_in_order() -> None:
    assert [(of.first, of.second) for of in range_test(NIST, ALPHA)] == list(combinations("1234", 2))


def test_tukeys_test_excludes_and_counts_undefined_values() -> None:
    found = range_test({"A": [1.0, NAN, 2.0, 3.0], "B": [2.0, 4.0, 6.0]}, ALPHA)
    (clean,) = range_test({"A": [1.0, 2.0, 3.0], "B": [2.0, 4.0, 6.0]}, ALPHA)
    assert [of.note for of in found] == ["1 undefined left out"]
    assert (found[0].n_1, found[0].p_value, found[0].low) == (3, clean.p_value, clean.low)


def test_a_group_too_small_is_not_tested_and_does_not_change_the_others() -> None:
    found = _by_pair(range_test({"A": [1.0, 2.0], "B": [5.0], "C": [3.0, 5.0], "D": []}, ALPHA))
    (alone,) = range_test({"A": [1.0, 2.0], "C": [3.0, 5.0]}, ALPHA)
    assert found["A", "C"] == alone
    assert found["A", "B"].mean_difference == -3.5
    assert found["A", "D"].mean_difference is None
    for pair in set(found) - {("A", "C")}:
        assert (found[pair].low, found[pair].high, found[pair].p_value, found[pair].significant) == (None,) * 4
        assert found[pair].note == "no test: fewer than two patients"


def test_groups_without_any_spread_are_not_tested() -> None:
    (found,) = range_test({"A": [0.1] * 3, "B": [0.7] * 3}, ALPHA)
    assert found.mean_difference == pytest.approx(-0.6)
    assert (found.low, found.p_value, found.significant) == (None, None, None)
    assert found.note == "no test: no spread within the groups"


def test_a_single_group_is_not_tested() -> None:
    assert range_test({"A": [1.0, 2.0]}, ALPHA) == []


def _exact_p(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """U and its two-sided p by going through every division of the pooled values into two samples of these sizes."""
    pooled = [*first, *second]

    def u_of(chosen: Sequence[int]) -> float:
        rest = [value for index, value in enumerate(pooled) if index not in chosen]
        return sum((pooled[index] > value) + (pooled[index] == value) / 2 for index in chosen for value in rest)

    every = [u_of(chosen) for chosen in combinations(range(len(pooled)), len(first))]
    u, largest = u_of(range(len(first))), len(first) * len(second)
    tail = sum(of >= max(u, largest - u) for of in every) / len(every)
    return u, min(1.0, 2 * tail)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]),
        ([0.9, 0.35, 0.6, 0.1], [0.5, 0.2, 0.7]),
        ([0.5], [0.1, 0.2, 0.3, 0.4, 0.6, 0.7]),
    ],
)
def test_mann_whitney_agrees_with_exact_enumeration(first: list[float], second: list[float]) -> None:
    found = mann_whitney(first, second, ALPHA)
    assert (found.u_statistic, found.p_value) == pytest.approx(_exact_p(first, second))


def test_mann_whitney_by_hand() -> None:
    """Complete separation of 4 and 4: U 16 of 16, p = 2 / (8 choose 4) = 1/35."""
    found = mann_whitney([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0], ALPHA)
    assert (found.n_1, found.n_2, found.median_1, found.median_2) == (4, 4, 6.5, 2.5)
    assert (found.u_statistic, found.p_value) == pytest.approx((16.0, 1 / 35))
    assert (found.significant, found.note) == (True, "")
    assert mann_whitney([5.0, 6.0, 7.0, 8.0], [1.0, 2.0, 3.0, 4.0], 1 / 36).significant is False


def test_mann_whitney_of_tied_samples_takes_the_corrected_approximation() -> None:
    """Variance n₁n₂/12 · (N + 1 − Σ(t³ − t) / (N(N − 1))), continuity 1/2."""
    first, second = [1.0] * 4 + [2.0] * 6, [1.0] * 7 + [2.0] * 2 + [3.0]
    u = sum((a > b) + (a == b) / 2 for a in first for b in second)
    ties = (11**3 - 11) + (8**3 - 8)
    sd = math.sqrt(100 / 12 * (21 - ties / (20 * 19)))
    z = (abs(u - 50) - 0.5) / sd
    found = mann_whitney(first, second, ALPHA)
    assert (found.u_statistic, found.p_value) == pytest.approx((u, math.erfc(z / math.sqrt(2))))


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
)
def test_mann_whitney_is_the_same_from_either_side(first: list[float], second: list[float]) -> None:
    one, other = mann_whitney(first, second, ALPHA), mann_whitney(second, first, ALPHA)
    assert one.p_value is not None
    assert one.u_statistic is not None
    assert other.u_statistic is not None
    assert one.p_value == pytest.approx(other.p_value)
    assert one.u_statistic + other.u_statistic == pytest.approx(len(first) * len(second))
    assert 0 <= one.p_value <= 1


def test_equal_values_do_not_differ() -> None:
    found = mann_whitney([0.5, 0.5], [0.5, 0.5, 0.5], ALPHA)
    assert (found.u_statistic, found.p_value, found.significant) == (3.0, 1.0, False)
    assert found.note == "all values equal"


def test_a_sample_without_values_is_not_tested() -> None:
    found = mann_whitney([NAN], [0.5], ALPHA)
    assert (found.n_1, found.n_2, found.median_1, found.median_2) == (0, 1, None, 0.5)
    assert (found.u_statistic, found.p_value, found.significant) == (None, None, None)
    assert found.note == "1 undefined left out; no test: a sample without values"


Case = tuple[str, str, str, int | None, float, float, float]


def _cases(rows: Sequence[Case]) -> pd.DataFrame:
    columns = ["arch", "inputs", "split", "fold", "dice", "reference_ml", "predicted_ml"]
    frame = pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"})
    # The patients of a model are numbered in the order of their rows.
    return frame.assign(patient=frame.groupby(["arch", "inputs", "split"]).cumcount())


def _test_cases(dice: Mapping[tuple[str, str], Sequence[float]]) -> pd.DataFrame:
    rows: list[Case] = []
    for (arch, inputs), values in dice.items():
        rows += [(arch, inputs, "test", None, value, 1.0, 1.0) for value in values]
        rows.append((arch, inputs, "test", None, 0.99, 0.1, 0.1))  # not of DSC-P
        rows.append((arch, inputs, "validation", 0, 0.99, 1.0, 1.0))  # not of the test set
    return _cases(rows)


def test_inputs_are_compared_within_each_network_over_dsc_p_of_the_test_set() -> None:
    a, b, c = [0.1, 0.2, 0.3], [0.5, 0.6, 0.8], [0.4, 0.6, 0.9]
    cases = _test_cases({("two", "B"): b, ("two", "A"): a, ("one", "B"): c, ("one", "A"): a})
    found = compare_inputs(cases, CLASSIFICATION, ALPHA)
    assert found[["arch", "inputs_1", "inputs_2", "n_1", "n_2"]].to_numpy().tolist() == [
        ["two", "B", "A", 3, 3],
        ["one", "B", "A", 3, 3],
    ]
    (of_two,) = range_test({"B": b, "A": a}, ALPHA)
    row = found.iloc[0]
    assert (row["mean_difference"], row["low"], row["high"], row["p_value"]) == pytest.approx(
        (of_two.mean_difference, of_two.low, of_two.high, of_two.p_value)
    )
    assert found["significant"].tolist() == [True, False]


def test_a_note_names_inputs_without_a_patient_of_dsc_p_as_untested(tmp_path: Path) -> None:
    found = compare_inputs(_test_cases({("net", "A"): [], ("net", "B"): []}), CLASSIFICATION, ALPHA)
    found.to_parquet(tmp_path / "inputs.parquet", index=False)
    (row,) = pd.read_parquet(tmp_path / "inputs.parquet").to_dict("records")
    assert (row["n_1"], row["n_2"], row["note"]) == (0, 0, "no test: fewer than two patients")
    assert all(pd.isna(row[name]) for name in ("mean_difference", "low", "high", "p_value", "significant"))


def test_one_inputs_and_one_network_give_tables_without_rows(tmp_path: Path) -> None:
    cases = _test_cases({("net", "A"): [0.1, 0.2]})
    by_inputs = compare_inputs(cases, CLASSIFICATION, ALPHA)
    by_arch = compare_architectures(cases, {"net": "A"}, CLASSIFICATION, ALPHA)
    for frame in (by_inputs, by_arch):
        frame.to_parquet(tmp_path / "empty.parquet", index=False)
        back = pd.read_parquet(tmp_path / "empty.parquet")
        assert back.empty
        assert list(back.columns) == list(frame.columns)
        assert {"n_1", "n_2", "p_value", "significant", "note"} <= set(back.columns)


def test_networks_are_compared_with_their_best_inputs() -> None:
    dice = {
        ("two", "A"): [0.0, 0.1, 0.2],
        ("two", "B"): [0.5, 0.6, 0.8],
        ("one", "A"): [0.1, 0.3, 0.4],
        ("one", "B"): [0.7, 0.7, 0.9],
        ("six", "A"): [0.2, 0.3, 0.9],
    }
    found = compare_architectures(_test_cases(dice), {"two": "B", "one": "A", "six": "A"}, CLASSIFICATION, ALPHA)
    pairs = found[["arch_1", "inputs_1", "arch_2", "inputs_2"]].to_numpy().tolist()
    assert pairs == [["two", "B", "one", "A"], ["two", "B", "six", "A"], ["one", "A", "six", "A"]]
    expected = mann_whitney(dice["two", "B"], dice["one", "A"], ALPHA)
    row = found.iloc[0]
    assert (row["n_1"], row["median_1"], row["median_2"], row["u_statistic"], row["p_value"], row["note"]) == (
        3,
        0.6,
        0.3,
        9.0,
        expected.p_value,
        "",
    )


def _out_of_fold(scores: Mapping[str, Mapping[str, tuple[float, float]]]) -> pd.DataFrame:
    """Per network and inputs: the Dice of a found tumour on validation, and the volume predicted for a resection."""
    rows: list[Case] = []
    for arch, inputs in scores.items():
        for name, (dice, false_ml) in inputs.items():
            rows += [
                (arch, name, "validation", 0, dice, 1.0, 1.0),
                (arch, name, "validation", 1, dice / 2, 1.0, 1.0),
                (arch, name, "validation", 1, 0.0, 0.0, false_ml),
                (arch, name, "validation", 0, 0.0, 0.0, 0.0),
                (arch, name, "test", None, 1 - dice, 1.0, 1.0),
            ]
    return _cases(rows)


SCORES = {"two": {"A": (0.5, 1.0), "B": (0.8, 1.0), "C": (0.6, 0.0)}, "one": {"A": (0.7, 0.0), "B": (0.7, 0.0)}}


@pytest.mark.parametrize(
    ("experiment", "best"),
    [
        ("segmentation", {"two": "B", "one": "A"}),
        ("raters", {"two": "B", "one": "A"}),
        ("classification", {"two": "C", "one": "A"}),
    ],
)
def test_the_best_inputs_out_of_fold_win_and_the_first_of_a_tie(experiment: str, best: dict[str, str]) -> None:
    choice = {"two": "out_of_fold", "one": "out_of_fold"}
    found = best_inputs(_out_of_fold(SCORES), choice, experiment, CLASSIFICATION)
    assert found == best
    assert list(found) == ["two", "one"]


def test_named_inputs_need_no_results_and_choices_of_other_networks_are_ignored() -> None:
    choice = {"two": "A", "one": "out_of_fold", "absent": "E"}
    assert best_inputs(_out_of_fold(SCORES), choice, "segmentation", CLASSIFICATION) == {"two": "A", "one": "A"}
    test = _out_of_fold(SCORES).query("split == 'test'")
    assert best_inputs(test, {"two": "C", "one": "B"}, "raters", CLASSIFICATION) == {"two": "C", "one": "B"}


@pytest.mark.parametrize(
    ("choice", "experiment", "message"),
    [
        (
            {"one": "A"},
            "raters",
            r"best_inputs\.raters does not name the network two; give its input configuration, or out_of_fold",
        ),
        (
            {"two": "E", "one": "A"},
            "segmentation",
            r"segmentation\.two names E, which was not measured; choose one of A, B, C",
        ),
    ],
)
def test_a_choice_that_cannot_be_met_is_refused(choice: dict[str, str], experiment: str, message: str) -> None:
    with pytest.raises(ResiduaError, match=message):
        best_inputs(_out_of_fold(SCORES), choice, experiment, CLASSIFICATION)


@pytest.mark.parametrize(
    ("experiment", "lacking"), [("segmentation", "residual tumour"), ("classification", "both classes")]
)
def test_a_choice_without_any_score_is_refused(experiment: str, lacking: str) -> None:
    resected: list[Case] = [("net", name, "validation", 0, NAN, 0.0, 0.0) for name in "AB"]
    with pytest.raises(ResiduaError, match=rf"{experiment}\.net cannot be chosen out of fold: .* has {lacking}"):
        best_inputs(_cases(resected), {"net": "out_of_fold"}, experiment, CLASSIFICATION)


def _flair_missing() -> pd.DataFrame:
    """Six patients with A, four with C, who are the easy ones; on those, A is the better one."""
    rows = []
    for inputs, patients in (("A", range(6)), ("C", range(4))):
        for patient in patients:
            easy = patient < 4
            dice = {"A": 0.9, "C": 0.8}[inputs] if easy else 0.1
            # Patients 1, 3 and 5 are resected: the hard one shows a false alarm, and so does one of C's easy ones.
            alarm = not easy or (inputs == "C" and patient == 3)
            volumes = (0.0, 1.0 if alarm else 0.0) if patient % 2 else (1.0, 1.0 if easy else 0.0)
            rows.append(("net", inputs, "validation", patient // 2, patient, dice, *volumes))
    columns = ["arch", "inputs", "split", "fold", "patient", "dice", "reference_ml", "predicted_ml"]
    return pd.DataFrame(rows, columns=columns).astype({"fold": "Int64"})


@pytest.mark.parametrize("experiment", ["segmentation", "raters", "classification"])
def test_inputs_are_chosen_on_the_patients_that_all_of_them_have(experiment: str) -> None:
    cases = _flair_missing()
    own = cases[cases["reference_ml"] > 0].groupby("inputs")["dice"].mean()
    assert own["C"] > own["A"]
    assert best_inputs(cases, {"net": "out_of_fold"}, experiment, CLASSIFICATION) == {"net": "A"}


@pytest.mark.parametrize("experiment", ["segmentation", "classification"])
def test_inputs_without_a_shared_patient_are_not_compared(experiment: str) -> None:
    cases = _flair_missing()
    apart = cases[(cases["inputs"] == "C") | (cases["patient"] > 3)]
    with pytest.raises(ResiduaError, match=r"\.net cannot be chosen .* no validation patient has all .* \(A, C\)"):
        best_inputs(apart, {"net": "out_of_fold"}, experiment, CLASSIFICATION)
    assert best_inputs(apart, {"net": "C"}, experiment, CLASSIFICATION) == {"net": "C"}


@pytest.mark.parametrize(
    ("experiment", "lacking"), [("segmentation", "residual tumour"), ("classification", "both classes")]
)
def test_shared_patients_without_a_score_are_said(experiment: str, lacking: str) -> None:
    cases = _flair_missing()
    resected = cases[(cases["inputs"] == "A") | (cases["reference_ml"] == 0)]
    with pytest.raises(ResiduaError, match=f"has {lacking} among the patients that all its input configurations have"):
        best_inputs(resected, {"net": "out_of_fold"}, experiment, CLASSIFICATION)


def test_cases_are_read_in_the_order_of_the_files(tmp_path: Path) -> None:
    parts: list[Any] = [_test_cases({("net", name): [0.5]}) for name in "BA"]
    files = [str(tmp_path / f"{index}.parquet") for index in range(2)]
    for part, file in zip(parts, files, strict=True):
        part.to_parquet(file, index=False)
    found = read_cases(files)
    assert list(found["inputs"].unique()) == ["B", "A"]
    assert all(b - a == 1 for a, b in pairwise(found.index))
    assert np.array_equal(found["fold"].isna(), found["split"] == "test")
