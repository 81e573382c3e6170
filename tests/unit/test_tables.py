"""Tables 1 to 3 and how they are printed."""

from __future__ import annotations

import csv
import io
import math
from typing import Any

import pandas as pd
import pytest

from residua.errors import ResiduaError
from residua.metrics.pooling import Pooled
from residua.study import Classification
from residua.tables.cells import mean_sd, median, number, plain
from residua.tables.render import Cell, Table, to_csv, to_markdown
from residua.tables.table1 import table1
from residua.tables.table2 import table2
from residua.tables.table3 import table3

CLASSIFICATION = Classification(residual_tumor_ml=0.175, min_overlap_dice=0.0)
NAN = math.nan


def _cells(table: Table, **where: str) -> dict[str, Any]:
    frame = table.frame
    for column, value in where.items():
        frame = frame[frame[{"data": "Data", "arch": "Arch.", "inputs": "Input"}[column]] == value]
    assert len(frame) == 1
    return {str(name): value for name, value in frame.iloc[0].items()}


def _case(
    split: str, fold: float, dice: float, hd95_mm: float, reference_ml: float, predicted_ml: float
) -> dict[str, Any]:
    return {
        "arch": "net",
        "inputs": "A",
        "split": split,
        "fold": fold,
        "dice": dice,
        "hd95_mm": hd95_mm,
        "reference_ml": reference_ml,
        "predicted_ml": predicted_ml,
        "absolute_volume_error_ml": abs(predicted_ml - reference_ml),
    }


def _test_set() -> pd.DataFrame:
    return pd.DataFrame(
        [
            _case("test", NAN, 0.8, 3.0, 1.0, 1.2),  # TP
            _case("test", NAN, 0.4, 5.0, 1.0, 0.5),  # TP
            _case("test", NAN, 0.0, 70.0, 1.0, 1.0),  # TP, elsewhere
            _case("test", NAN, 0.0, NAN, 1.0, 0.0),  # FN
            _case("test", NAN, 0.0, 20.0, 0.1, 3.1),  # FP
            _case("test", NAN, NAN, NAN, 0.0, 0.0),  # TN
        ]
    )


def test_each_metric_of_a_test_row_is_over_its_own_patients() -> None:
    found = _cells(table3(_test_set(), CLASSIFICATION))
    assert found["DSC-P (%)"] == Cell("30.00±38.30", 4)
    assert found["DSC-TP (%)"] == Cell("40.00±40.00", 3)
    assert found["HD95 (mm)"] == Cell("26.00±38.12", 3, undefined=1)
    assert found["AVE (ml)"] == Cell("0.350", 6)  # 0, 0, 0.2, 0.5, 1, 3
    assert found["AVE-P (ml)"] == Cell("0.350", 4)  # 0, 0.2, 0.5, 1
    assert found["Recall (%)"] == Cell("75.00", 6)
    assert found["Precision (%)"] == Cell("75.00", 6)
    assert found["TP with DSC < 1 %"] == 1


def test_a_minimum_overlap_moves_a_true_positive_to_the_missed() -> None:
    table = table3(_test_set(), Classification(residual_tumor_ml=0.175, min_overlap_dice=0.01))
    found = _cells(table)
    assert found["DSC-TP (%)"] == Cell("60.00±28.28", 2)
    assert found["Recall (%)"].text == "50.00"
    assert found["TP with DSC < 1 %"] == 0
    assert "whose Dice is at least 0.01" in table.caption


def test_the_cut_of_the_study_is_used_and_named() -> None:
    table = table3(_test_set(), Classification(residual_tumor_ml=0.05, min_overlap_dice=0.0))
    assert _cells(table)["DSC-P (%)"].n == 5
    assert "at least 0.05 ml" in table.caption


def test_a_validation_row_pools_the_folds() -> None:
    cases = pd.DataFrame(
        [
            _case("validation", 0, 0.5, 1.0, 1.0, 1.0),
            _case("validation", 0, 0.0, NAN, 1.0, 0.0),
            _case("validation", 0, NAN, NAN, 0.0, 0.0),
            _case("validation", 1, 1.0, 0.0, 1.0, 1.0),
        ]
    )
    found = _cells(table3(cases, CLASSIFICATION), data="Val")
    assert found["DSC-P (%)"] == Cell("50.00±50.00", 3)
    assert found["HD95 (mm)"] == Cell("0.50±0.71", 2, undefined=1)
    # Recall 50 in fold 0 (3 patients) and 100 in fold 1 (1 patient).
    assert found["Recall (%)"] == Cell("62.50±35.36", 4)
    assert _cells(table3(cases, CLASSIFICATION, folds_ddof=0))["Recall (%)"].text == "62.50±25.00"


def test_a_fold_without_a_rate_is_left_out_with_its_patients() -> None:
    cases = pd.DataFrame([_case("validation", 0, 0.5, 1, 1, 1), _case("validation", 1, NAN, NAN, 0, 0)])
    found = _cells(table3(cases, CLASSIFICATION))
    assert found["Recall (%)"] == Cell("100.00±n/a", 1, undefined=1)


def test_nothing_undefined_is_printed_as_nan() -> None:
    table = table3(pd.DataFrame([_case("test", NAN, NAN, NAN, 0.0, 0.0)] * 2), CLASSIFICATION)
    found = _cells(table)
    assert found["DSC-P (%)"] == found["HD95 (mm)"] == Cell("n/a", 0)
    assert found["Recall (%)"] == Cell("n/a", 0, undefined=2)
    for text in (to_csv(table), to_markdown(table)):
        assert "nan" not in text.lower()


def test_rows_come_by_inputs_then_split_then_arch_in_their_first_order() -> None:
    rows = [
        {**_case(split, 0, 0.5, 1.0, 1.0, 1.0), "arch": arch, "inputs": inputs}
        for arch in ("two", "one")
        for split in ("test", "validation")
        for inputs in ("B", "A")
        if (arch, split, inputs) != ("one", "test", "A")
    ]
    found = table3(pd.DataFrame(rows), CLASSIFICATION, {"two": "Net 2"}, ["A footnote."])
    names = [tuple(row) for row in found.frame[["Input", "Data", "Arch."]].itertuples(index=False)]
    assert names == [
        ("B", "Val", "Net 2"),
        ("B", "Val", "one"),
        ("B", "Test", "Net 2"),
        ("B", "Test", "one"),
        ("A", "Val", "Net 2"),
        ("A", "Val", "one"),
        ("A", "Test", "Net 2"),
    ]
    assert found.notes == ("A footnote.",)


def test_the_caption_names_the_definition_of_hd95() -> None:
    assert "both directed surface-distance sets concatenated" in table3(_test_set(), CLASSIFICATION).caption


def test_table3_names_every_missing_column() -> None:
    with pytest.raises(ResiduaError, match=r"table 3 needs the column\(s\) dice, hd95_mm"):
        table3(_test_set().drop(columns=["dice", "hd95_mm"]), CLASSIFICATION)


def test_table1_counts_patients_that_were_not_annotated_apart() -> None:
    patients = pd.DataFrame({"hospital": ["B", "A", "A", "A"], "residual_ml": [0.0, 0.175, 0.1, NAN]})
    found = table1(patients, ["B", "A", "C"], 0.175).frame.set_index("Hospital")
    assert list(found.columns) == ["B", "A", "C", "Total"]
    assert found["A"].to_dict() == {"Patients": 3, "RT": 1, "GTR": 1, "Not annotated": 1, "RT ratio (%)": "50.0"}
    assert found["C"].to_dict() == {"Patients": 0, "RT": 0, "GTR": 0, "Not annotated": 0, "RT ratio (%)": "n/a"}
    assert found.loc["RT ratio (%)", "Total"] == "33.3"


def test_table1_refuses_a_hospital_without_a_place() -> None:
    with pytest.raises(ResiduaError, match=r"no place for the hospital\(s\) B, C"):
        table1(pd.DataFrame({"hospital": ["C", "B", "A"], "residual_ml": [1.0, 1.0, 1.0]}), ["A"], 0.175)


def test_table2_counts_each_set() -> None:
    patients = pd.DataFrame({"hospital": ["A", "A", "B", "C", "H"]})
    found = table2(patients, {0: ["A"], 1: ["C", "B"]}, ["H"]).frame.set_index("Fold")
    assert found["0"].tolist() == ["A", 2, 2]
    assert found["1"].tolist() == ["C, B", 2, 2]
    assert found["Hold-out set"].tolist() == ["H", "–", 1]


def test_table2_refuses_a_hospital_in_no_set() -> None:
    with pytest.raises(ResiduaError, match=r"the split has no place for the hospital\(s\) X"):
        table2(pd.DataFrame({"hospital": ["A", "X"]}), {0: ["A"]}, [])


def _small() -> Table:
    frame = pd.DataFrame({"Name": ["a|b", "c,d"], "Dice (%)": [Cell("1.00±2.00", 5, 1), Cell("n/a", 0)], "k": [1, 2]})
    return Table(frame, "A <caption>\nin two lines", ("note_1",))


def test_csv_gives_n_and_undefined_columns_of_their_own() -> None:
    rows = list(csv.reader(io.StringIO(to_csv(_small()))))
    assert rows == [
        ["Name", "Dice (%)", "Dice (%) n", "Dice (%) undefined", "k"],
        ["a|b", "1.00±2.00", "5", "1", "1"],
        ["c,d", "n/a", "0", "0", "2"],
    ]


def test_markdown_writes_them_into_the_cell_and_escapes_text() -> None:
    assert to_markdown(_small()).splitlines() == [
        "A &lt;caption> in two lines",
        "",
        "| Name | Dice (%) | k |",
        "| --- | --- | --- |",
        r"| a\|b | 1.00±2.00 (n=5, 1 undefined) | 1 |",
        "| c,d | n/a (n=0) | 2 |",
        "",
        r"note\_1",
    ]


def test_numbers_have_fixed_decimals_and_nan_is_not_available() -> None:
    assert (number(1.005e2), number(NAN), number(2, 1)) == ("100.50", "n/a", "2.0")
    assert mean_sd(Pooled(NAN, NAN, 0, 3, 1)) == Cell("n/a", 0, 3)
    assert mean_sd(Pooled(0.5, 0.25, 4, 0, 0), 100) == Cell("50.00±25.00", 4)
    assert median([3.0, NAN, 1.0]) == Cell("2.000", 2, 1)
    assert median([NAN]) == Cell("n/a", 0, 1)
    assert (plain(5, 7), plain(NAN, 7)) == (Cell("5.00", 7), Cell("n/a", 0, 7))
