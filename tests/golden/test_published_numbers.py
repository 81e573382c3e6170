"""The article's Tables 1 to 3 come out of patients with the article's counts, digit by digit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from residua.metrics.classification import Counts, rates
from residua.metrics.pooling import pool_rates
from residua.study import Classification
from residua.tables.cells import mean_sd, number
from residua.tables.render import to_csv, to_markdown
from residua.tables.table1 import table1
from residua.tables.table2 import table2
from residua.tables.table3 import table3

PRINTED = pd.read_csv(Path(__file__).with_name("table1.csv"), dtype={"rt_ratio_percent": str})
CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
FOLDS = {0: ["STO"], 1: ["GRO", "MIL", "UTR"], 2: ["SFR", "VIE"], 3: ["PAR", "ZWO", "ALK", "HAG"], 4: ["GOT"]}

NNUNET_B = Counts(tp=50, fn=1, fp=12, tn=10)
AGUNET_C = Counts(tp=40, fn=11, fp=2, tn=20)


def _cohort() -> pd.DataFrame:
    """All patients, at volumes on either side of the cut, as near as they come."""
    rows = []
    for name, with_tumor, resected in zip(PRINTED["hospital"], PRINTED["rt"], PRINTED["gtr"], strict=True):
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


def test_table1_has_the_printed_counts_and_ratios_of_every_hospital() -> None:
    found = table1(_cohort(), list(PRINTED["hospital"]), 0.175).frame.set_index("Hospital")
    for hospital in PRINTED.itertuples():
        assert found[hospital.hospital].to_dict() == {
            "Patients": hospital.patients,
            "RT": hospital.rt,
            "GTR": hospital.gtr,
            "RT ratio (%)": hospital.rt_ratio_percent,
        }


def test_table1_sums_to_the_cohort() -> None:
    found = table1(_cohort(), list(PRINTED["hospital"]), 0.175).frame.set_index("Hospital")
    total = found["Total"]
    assert (total["Patients"], total["RT"], total["GTR"]) == (956, 604, 352)
    # 352 of 956 is 36.8 %; the article's text has 35 %.
    assert total["RT ratio (%)"] == "63.2"
    assert found["AMS"].tolist() == [73, 51, 22, "69.9"]


def test_table2_has_the_printed_folds() -> None:
    found = table2(_cohort(), FOLDS, ["AMS"]).frame.set_index("Fold")
    assert list(found.loc["Patients train"]) == [646, 732, 730, 728, 696, "–"]
    assert list(found.loc["Patients validation"]) == [237, 151, 153, 155, 187, 73]
    assert list(found.loc["Hospitals validation"]) == [
        "STO",
        "GRO, MIL, UTR",
        "SFR, VIE",
        "PAR, ZWO, ALK, HAG",
        "GOT",
        "AMS",
    ]


def test_table3_prints_the_rates_of_the_test_set() -> None:
    cases = pd.DataFrame(_test_set("nnunet", "B", NNUNET_B) + _test_set("agunet", "C", AGUNET_C))
    table = table3(cases, CLASSIFICATION, {"nnunet": "nnU-Net", "agunet": "AGU-Net"})
    rows = {(row["Input"], row["Arch."]): row for _, row in table.frame.iterrows()}
    printed = {
        ("B", "nnU-Net"): (["98.04", "80.65", "88.50"], 50),
        ("C", "AGU-Net"): (["78.43", "95.24", "86.02"], 40),
    }
    assert set(rows) == set(printed)
    for name, (digits, true_positives) in printed.items():
        assert [rows[name][rate].text for rate in ("Recall (%)", "Precision (%)", "F1 (%)")] == digits
        assert (rows[name]["DSC-P (%)"].n, rows[name]["DSC-TP (%)"].n) == (51, true_positives)
    assert "| 98.04 (n=73) | 80.65 (n=73) | 88.50 (n=73) |" in to_markdown(table)
    assert ",78.43,73,0,95.24,73,0,86.02,73,0," in to_csv(table)


@pytest.mark.parametrize(
    ("counts", "printed"),
    [
        (NNUNET_B, ("98.04", "80.65", "88.50", "45.45", "71.75")),
        (AGUNET_C, ("78.43", "95.24", "86.02", "90.91", "84.67")),
    ],
)
def test_the_counts_give_the_rates_of_tables_3_and_4(counts: Counts, printed: tuple[str, ...]) -> None:
    found = rates(counts)
    every = (found.recall, found.precision, found.f1, found.specificity, found.balanced_accuracy)
    assert tuple(number(rate) for rate in every) == printed


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
    by_hospital = PRINTED.set_index("hospital")
    patients = {fold: int(by_hospital.loc[names, "patients"].sum()) for fold, names in FOLDS.items()}
    positive = {fold: int(by_hospital.loc[names, "rt"].sum()) for fold, names in FOLDS.items()}
    recall = {fold: 100 * (1 - missed.get(fold, 0) / positive[fold]) for fold in FOLDS}
    assert mean_sd(pool_rates(recall, patients, ddof=0)).text == printed
    assert mean_sd(pool_rates(recall, patients)).text == sample_sd
