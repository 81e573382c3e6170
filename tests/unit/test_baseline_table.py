"""The table of baseline characteristics."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from residua.cohort.split.split import Split
from residua.publishing.publish import write_json
from residua.tables.baseline import baseline_table
from residua.tables.render import Table, to_csv

HOSPITALS = {"A1": "AMS", "G1": "GOT", "G2": "GOT", "S1": "STO"}
SPLIT = Split({0: ("G1", "G2"), 1: ("S1",)}, ("A1",), {"X": "moved"}, HOSPITALS)
CLINICAL = {
    "A1": {"age": "70", "sex": "F", "field_strength_t": "3", "manufacturer": "Siemens"},
    "G1": {"age": "50", "sex": "M", "field_strength_t": "1.5"},
    "G2": {"age": "60", "sex": "F", "field_strength_t": "3"},
    "X": {"age": "5"},
}


def table(folder: Path, resected: str | None = "pre_tumor") -> Table:
    def grid(thickest: float) -> dict[str, dict[str, list[float]]]:
        return {"post_t1ce": {"spacing_mm": [1.0, thickest, 1.0]}, "post_t1": {"spacing_mm": [9.0, 9.0, 9.0]}}

    checks = []
    for name, members in {"one": ("A1", "G1", "X"), "two": ("G2", "S1")}.items():
        grids = {patient: grid(2.0 + number) for number, patient in enumerate(members)}
        volumes = {patient: 10.0 * (number + 1) for number, patient in enumerate(members) if patient != "S1"}
        path = str(folder / f"{name}.json")
        write_json(path, {"grids": grids, "residual_ml": volumes, "pre_tumor_ml": {"G2": 40.0}, "post_t1_ml": {}})
        checks.append(path)
    return baseline_table(checks, SPLIT.to_json(), CLINICAL, "post_t1ce", resected)


def cells(found: Table) -> pd.DataFrame:
    return found.frame.set_index("").map(lambda cell: str(cell).replace("\N{NO-BREAK SPACE}", " "))


def test_every_set_and_hospital_has_its_numbers_and_what_is_missing(tmp_path: Path) -> None:
    found = cells(table(tmp_path))
    assert list(found.columns) == ["All", "Cross-validation", "Hold-out", "GOT", "STO", "AMS"]
    assert list(found.loc["Scans"]) == ["4", "3", "1", "2", "1", "1"]
    assert found.loc["Age, years", "All"] == "60.0 [55.0, 65.0] (n=3, 1 undefined)"
    assert found.loc["Age, years", "STO"] == "n/a (n=0, 1 undefined)"
    assert found.loc["Thickest voxel edge of the reference, mm", "GOT"] == "2.5 [2.2, 2.8] (n=2)"
    assert found.loc["Tumour before surgery, ml", "All"] == "40.0 [40.0, 40.0] (n=1, 3 undefined)"
    assert found.loc["Residual tumour, ml", "Cross-validation"] == "15.0 [12.5, 17.5] (n=2, 1 undefined)"
    assert list(found.loc["Sex: female"]) == ["2 (50 %)", "1 (33 %)", "1 (100 %)", "1 (50 %)", "0", "1 (100 %)"]
    assert found.loc["Sex: not known", "All"] == "1 (25 %)"
    assert found.loc["Field strength: 1.5 T", "GOT"] == "1 (50 %)"
    assert found.loc["Manufacturer: not known", "All"] == "3 (75 %)"


def test_a_study_without_tumours_before_surgery_or_clinical_columns_says_what_it_knows(tmp_path: Path) -> None:
    found = table(tmp_path, None)
    assert not any("before surgery" in str(row) for row in found.frame[""])
    bare = baseline_table([], SPLIT.to_json(), {}, "post_t1ce", None)
    assert cells(bare).loc["Manufacturer: not known", "All"] == "4 (100 %)"
    assert cells(bare).loc["Residual tumour, ml", "All"] == "n/a (n=0, 4 undefined)"


def test_nothing_is_said_of_the_unknown_where_all_is_known(tmp_path: Path) -> None:
    known = {patient: {"sex": "F", "manufacturer": "GE"} for patient in HOSPITALS}
    rows = list(cells(baseline_table([], SPLIT.to_json(), known, "post_t1ce", None)).index)
    assert [row for row in rows if row.startswith(("Sex", "Manufacturer"))] == ["Sex: female", "Manufacturer: GE"]


def test_grades_are_counted_from_the_best_and_only_where_there_are_any(tmp_path: Path) -> None:
    assert not any("quality" in str(row) for row in table(tmp_path).frame[""])
    grades = {"A1": "poor", "G1": "good", "G2": "fair", "X": "good"}
    known = {patient: {"annotation_quality": grade} for patient, grade in grades.items()}
    found = cells(baseline_table([], SPLIT.to_json(), known, "post_t1ce", None))
    assert [row for row in found.index if "quality" in row] == [
        "Annotation quality: good",
        "Annotation quality: fair",
        "Annotation quality: poor",
        "Annotation quality: not known",
    ]
    assert list(found.loc["Annotation quality: good"]) == ["1 (25 %)", "1 (33 %)", "0", "1 (50 %)", "0", "0"]
    assert list(found.loc["Annotation quality: not known"]) == ["1 (25 %)", "1 (33 %)", "0", "0", "1 (100 %)", "0"]


def test_nobody_who_is_excluded_is_counted_and_nobody_is_named(tmp_path: Path) -> None:
    text = to_csv(table(tmp_path))
    assert not any(patient in text for patient in (*HOSPITALS, "X,"))
    assert ",5.0" not in text
