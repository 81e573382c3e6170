"""The printed Tables 1 to 4 come out of patients with the printed counts, digit by digit."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

from printed_split import printed_table2
from residua.article.values import printed_table1, printed_table3, printed_table4
from residua.metrics.classification import Counts, rates
from residua.metrics.pooling import pool_cases, pool_rates
from residua.settings.classification import Classification
from residua.settings.statistics import BestInputs, Statistics
from residua.tables.cells import mean_sd, number
from residua.tables.render import Table, to_csv, to_markdown
from residua.tables.table1 import table1
from residua.tables.table2 import table2
from residua.tables.table3 import table3
from residua.tables.table4 import table4

TABLE1 = printed_table1()
SPLIT = printed_table2().set_index("set")
HOSPITALS = {name: hospitals.split() for name, hospitals in SPLIT["hospitals"].items()}
FOLDS = {int(name): hospitals for name, hospitals in HOSPITALS.items() if name != "holdout"}
TEST_SET = {"rt": 51, "gtr": 22}
CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
STATISTICS = Statistics(
    alpha=0.05,
    bootstrap_resamples=1000,
    interval_sd_multiplier=1.96,
    seed=1,
    best_inputs=BestInputs(segmentation={}, classification={}, raters={}),
)
LABELS = {"nnunet": "nnU-Net", "agunet": "AGU-Net"}

NNUNET_B = Counts(tp=50, fn=1, fp=12, tn=10)
AGUNET_C = Counts(tp=40, fn=11, fp=2, tn=20)


def _cohort() -> pd.DataFrame:
    """All patients, at volumes on either side of the cut, as near as they come."""
    rows = []
    for name, with_tumor, resected in zip(TABLE1["hospital"], TABLE1["rt"], TABLE1["gtr"], strict=True):
        rows += [{"hospital": name, "residual_ml": 0.175}] * with_tumor
        rows += [{"hospital": name, "residual_ml": 0.1749}] * resected
    return pd.DataFrame(rows)


def _test_set(arch: str, inputs: str, counts: Counts) -> list[dict[str, object]]:
    volumes = [(1.0, 0.8)] * counts.tp + [(1.0, 0.1)] * counts.fn + [(0.1, 0.9)] * counts.fp + [(0.0, 0.0)] * counts.tn
    common = {"arch": arch, "inputs": inputs, "split": "test", "fold": None, "dice": 0.5, "hd95_mm": 5.0}
    return [
        {**common, "reference_ml": drawn, "predicted_ml": found, "absolute_volume_error_ml": abs(drawn - found)}
        for drawn, found in volumes
    ]


def _printed(table: pd.DataFrame, split: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The printed rows of a split by inputs and arch."""
    rows = table[table["split"] == split].set_index(["inputs", "arch"])
    return {(str(inputs), str(arch)): row for (inputs, arch), row in rows.to_dict("index").items()}


def _digits(row: dict[str, Any], *names: str) -> list[str]:
    return [f"{row[f'{name}_mean']:.2f}" for name in names]


TEST_ROWS = _printed(printed_table3(), "test")
"""Table 3's rows of the test set; they give the counts, and these Table 4's rows."""


def _counts_behind(row: dict[str, Any]) -> list[Counts]:
    """Every whole number of patients found and falsely found that gives a row's recall, precision and F1."""
    every = (
        Counts(tp, TEST_SET["rt"] - tp, fp, TEST_SET["gtr"] - fp)
        for tp, fp in product(range(TEST_SET["rt"] + 1), range(TEST_SET["gtr"] + 1))
    )
    printed = _digits(row, "recall", "precision", "f1")
    found = [(counts, rates(counts)) for counts in every]
    return [
        counts for counts, rate in found if [number(rate.recall), number(rate.precision), number(rate.f1)] == printed
    ]


def _row_of(table: Table, inputs: str, arch: str) -> dict[str, Any]:
    rows = table.frame[(table.frame["Input"] == inputs) & (table.frame["Arch."] == LABELS[arch])]
    assert len(rows) == 1
    return {str(name): cell for name, cell in rows.iloc[0].items()}


def test_table1_has_the_printed_counts_and_ratios_of_every_hospital() -> None:
    found = table1(_cohort(), list(TABLE1["hospital"]), 0.175).frame.set_index("Hospital")
    for hospital in TABLE1.itertuples():
        assert found[hospital.hospital].to_dict() == {
            "Patients": hospital.patients,
            "RT": hospital.rt,
            "GTR": hospital.gtr,
            "RT ratio (%)": str(hospital.rt_ratio_percent),
        }


def test_table1_sums_to_the_cohort() -> None:
    found = table1(_cohort(), list(TABLE1["hospital"]), 0.175).frame.set_index("Hospital")
    total = found["Total"]
    assert (total["Patients"], total["RT"], total["GTR"]) == (956, 604, 352)
    assert found["AMS"].tolist() == [73, TEST_SET["rt"], TEST_SET["gtr"], "69.9"]


def test_the_printed_share_of_resections_is_a_slip() -> None:
    """352 of 956 is 36.8 %; both versions have 35 %."""
    total = table1(_cohort(), list(TABLE1["hospital"]), 0.175).frame.set_index("Hospital")["Total"]
    assert number(100 * total["GTR"] / total["Patients"], 1) == "36.8"
    assert total["RT ratio (%)"] == "63.2"


def test_table2_has_the_printed_folds() -> None:
    found = table2(_cohort(), FOLDS, HOSPITALS["holdout"]).frame.set_index("Fold")
    assert list(found.loc["Patients train"])[:-1] == SPLIT["patients_train"].dropna().tolist()
    assert found.loc["Patients train", "Hold-out set"] == "–"
    assert list(found.loc["Patients validation"]) == SPLIT["patients_validation"].tolist()
    assert list(found.loc["Hospitals validation"]) == [", ".join(names) for names in HOSPITALS.values()]


def test_the_printed_rows_of_the_test_set_name_their_patients() -> None:
    """One row, one set of counts: nothing is left to choose."""
    assert len(TEST_ROWS) == 10
    found = {model: _counts_behind(row) for model, row in TEST_ROWS.items()}
    assert all(len(counts) == 1 for counts in found.values())
    assert found["B", "nnunet"] == [NNUNET_B]
    assert found["C", "agunet"] == [AGUNET_C]


@pytest.mark.parametrize(("inputs", "arch"), list(TEST_ROWS))
def test_tables_3_and_4_print_the_rates_of_the_test_set(inputs: str, arch: str) -> None:
    printed3, printed4 = TEST_ROWS[inputs, arch], _printed(printed_table4(), "test")[inputs, arch]
    (counts,) = _counts_behind(printed3)
    cases = pd.DataFrame(_test_set(arch, inputs, counts))
    row3 = _row_of(table3(cases, CLASSIFICATION, STATISTICS, LABELS), inputs, arch)
    row4 = _row_of(table4(cases, CLASSIFICATION, STATISTICS, LABELS), inputs, arch)
    assert [row3[name].text for name in ("Recall (%)", "Precision (%)", "F1 (%)")] == _digits(
        printed3, "recall", "precision", "f1"
    )
    assert [row4[name].text for name in ("Sensitivity (%)", "Specificity (%)", "bAcc (%)")] == _digits(
        printed4, "sensitivity", "specificity", "balanced_accuracy"
    )
    assert (row3["DSC-P (%)"].n, row3["DSC-TP (%)"].n) == (51, counts.tp)


def test_the_two_models_that_the_reference_names_are_printed() -> None:
    cases = pd.DataFrame(_test_set("nnunet", "B", NNUNET_B) + _test_set("agunet", "C", AGUNET_C))
    third, fourth = (table(cases, CLASSIFICATION, STATISTICS, LABELS) for table in (table3, table4))
    assert "| 98.04 (n=73) | 80.65 (n=73) | 88.50 (n=73) |" in to_markdown(third)
    assert ",78.43,73,0,95.24,73,0,86.02,73,0," in to_csv(third)
    assert "| 98.04 (n=73) | 45.45 (n=73) | 71.75 (n=73) |" in to_markdown(fourth)
    assert ",78.43,73,0,90.91,73,0,84.67,73,0" in to_csv(fourth)


@pytest.mark.parametrize(("inputs", "arch"), list(TEST_ROWS))
def test_the_printed_dice_of_the_test_set_are_of_whole_patients(inputs: str, arch: str) -> None:
    """DSC-TP is the mean over the patients with any overlap; a Dice of 0 for all others of the 51 gives DSC-P.

    Those are not the TP of recall: nnU-Net B finds 50 patients, 49 of them in the right place. The sd of DSC-TP comes
    out with n in the denominator, that of DSC-P with n − 1.
    """
    row = TEST_ROWS[inputs, arch]
    exact = row["dsc_p_mean"] * TEST_SET["rt"] / row["dsc_tp_mean"]
    overlapping = round(exact)
    assert exact == pytest.approx(overlapping, abs=0.02)
    dice = _with_mean_and_sd(overlapping, row["dsc_tp_mean"], row["dsc_tp_sd"])
    found = pool_cases({0: np.append(dice, np.zeros(TEST_SET["rt"] - overlapping))})
    assert (found.mean, found.sd) == pytest.approx((row["dsc_p_mean"], row["dsc_p_sd"]), abs=0.02)


@pytest.mark.parametrize(("inputs", "arch"), list(TEST_ROWS))
def test_table3_prints_the_dice_by_overlap_as_printed(inputs: str, arch: str) -> None:
    row = TEST_ROWS[inputs, arch]
    (counts,) = _counts_behind(row)
    overlapping = round(row["dsc_p_mean"] * TEST_SET["rt"] / row["dsc_tp_mean"])
    dice = np.zeros(TEST_SET["rt"] + TEST_SET["gtr"])
    dice[:overlapping] = np.full(overlapping, row["dsc_tp_mean"] / 100)
    cases = pd.DataFrame(_test_set(arch, inputs, counts)).assign(dice=dice)
    found = _row_of(table3(cases, CLASSIFICATION, STATISTICS, LABELS), inputs, arch)
    by_overlap = found["DSC-TP by overlap (%)"]
    assert (by_overlap.text, by_overlap.n) == (f"{row['dsc_tp_mean']:.2f}±0.00", overlapping)
    assert found["DSC-TP (%)"].n == counts.tp
    assert float(found["DSC-P (%)"].text.split("±")[0]) == pytest.approx(row["dsc_p_mean"], abs=0.02)
    if (arch, inputs) == ("nnunet", "B"):
        assert (overlapping, counts.tp, found["TP with DSC < 1 %"]) == (49, 50, 1)


def _with_mean_and_sd(n: int, mean: float, sd: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """``n`` values of this mean and, over n, this sd."""
    steps = np.arange(n) - (n - 1) / 2
    return np.asarray(mean + sd * steps / math.sqrt((steps**2).mean()))


@pytest.mark.parametrize(
    ("missed", "printed", "sample_sd"),
    [
        ({4: 1}, "99.81±0.35", "99.81±0.40"),  # nnU-Net A and C
        ({2: 1, 4: 2}, "99.47±0.71", "99.47±0.79"),  # nnU-Net B
        ({2: 1, 4: 1}, "99.66±0.44", "99.66±0.49"),  # nnU-Net D
    ],
)
def test_printed_recall_over_folds_is_weighted_by_patients(
    missed: dict[int, int], printed: str, sample_sd: str
) -> None:
    """Whole missed patients in Table 2's folds give Table 3's mean and its sd over n; none gives it over n−1."""
    by_hospital = TABLE1.set_index("hospital")
    patients = {fold: int(by_hospital.loc[names, "patients"].sum()) for fold, names in FOLDS.items()}
    positive = {fold: int(by_hospital.loc[names, "rt"].sum()) for fold, names in FOLDS.items()}
    recall = {fold: 100 * (1 - missed.get(fold, 0) / positive[fold]) for fold in FOLDS}
    assert mean_sd(pool_rates(recall, patients, ddof=0)).text == printed
    assert mean_sd(pool_rates(recall, patients, ddof=1)).text == sample_sd
