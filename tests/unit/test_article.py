"""The article's printed values hang together."""

from __future__ import annotations

import pandas as pd
import pytest

from printed_split import printed_table2
from residua.article.values import (
    not_available,
    printed_table1,
    printed_table3,
    printed_table4,
    printed_text,
    printed_value,
)

VERSIONS = {"preprint", "article"}
MODEL = ["inputs", "split", "arch"]


@pytest.mark.parametrize("table", [printed_table1(), printed_table2(), printed_table3(), printed_table4()])
def test_the_tables_are_the_preprints(table: pd.DataFrame) -> None:
    assert set(table["version"]) == {"preprint"}


@pytest.mark.parametrize("table", [printed_table3(), printed_table4()])
def test_every_model_has_a_row_for_each_split_in_the_printed_order(table: pd.DataFrame) -> None:
    expected = [
        [name, split, arch] for name in "ABCDE" for split in ("validation", "test") for arch in ("nnunet", "agunet")
    ]
    assert table[MODEL].to_numpy().tolist() == expected
    assert table.filter(like="_mean").notna().all(axis=None)


def test_an_sd_is_missing_only_where_none_was_printed() -> None:
    third = printed_table3()
    assert third[["dsc_p_sd", "dsc_tp_sd"]].notna().all(axis=None)
    for name in ("recall", "precision", "f1"):
        without = third[f"{name}_sd"].isna()
        assert (without == ((third["split"] == "test") | (third[f"{name}_mean"] == 100))).all()


def test_sensitivity_is_recall() -> None:
    third, fourth = printed_table3(), printed_table4()
    assert third["recall_mean"].tolist() == fourth["sensitivity_mean"].tolist()
    assert third["recall_sd"].fillna(-1).tolist() == fourth["sensitivity_sd"].fillna(-1).tolist()


def test_balanced_accuracy_is_the_mean_of_both_rates_within_rounding() -> None:
    fourth = printed_table4()
    mean = (fourth["sensitivity_mean"] + fourth["specificity_mean"]) / 2
    assert fourth["balanced_accuracy_mean"].tolist() == pytest.approx(mean.tolist(), abs=0.0101)


def test_tables_1_and_2_place_the_same_patients() -> None:
    first, second = printed_table1().set_index("hospital"), printed_table2()
    assert (first["rt"] + first["gtr"] == first["patients"]).all()
    sizes = [int(first.loc[hospitals.split(), "patients"].sum()) for hospitals in second["hospitals"]]
    assert second["patients_validation"].tolist() == sizes
    folds = second[second["set"] != "holdout"]
    everyone = folds["patients_validation"].sum()
    assert (folds["patients_train"] + folds["patients_validation"] == everyone).all()
    assert everyone + sizes[-1] == first["patients"].sum() == 956


def test_a_number_of_the_text_is_found_under_its_version() -> None:
    assert printed_value("article", "segmentation", "mann_whitney_p") == "0.0023"
    assert printed_value("preprint", "raters", "best_agunet_inputs") == "E"
    assert printed_value("article", "raters", "best_agunet_inputs") == "B"
    with pytest.raises(KeyError):
        printed_value("preprint", "segmentation", "mann_whitney_p")


def test_every_number_of_the_text_has_one_version_value_and_statement() -> None:
    text = printed_text()
    assert set(text["version"]) == VERSIONS
    assert not text.duplicated(["version", "experiment", "key"]).any()
    assert (text[["value", "statement"]] != "").all(axis=None)


def test_values_in_neither_version_are_listed() -> None:
    found = not_available()
    assert any("HD95" in what for what in found["what"])
    assert any("S2" in what for what in found["what"])
    printed = [*printed_table3().columns, *printed_text()["key"]]
    assert not any("hd95" in name or name == "ave" for name in printed)
