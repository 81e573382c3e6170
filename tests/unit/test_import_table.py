"""``--table``: hospitals, ages and times from a table beside a source that has none of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importer_trees import SEGMENTATION, imported, record_of, rows_of, write_tree

PATTERN = ("--pattern", "{patient}/{column}.nii.gz")
WITH_HOSPITALS = ("--pattern", "{hospital}/{patient}/{column}.nii.gz")


def tree(root: Path, *patients: str) -> Path:
    return write_tree(root, {f"{patient}/post_t1ce.nii.gz": None for patient in patients})


def run(folder: Path, patients: tuple[str, ...], table: str, *options: str) -> Any:
    """Import ``patients`` from folders with the text of a table beside them."""
    (folder / "clinical.csv").write_text(table, encoding="utf-8")
    source, chosen = tree(folder / "source", *patients), options if "--pattern" in options else (*PATTERN, *options)
    return imported("folders", source, "--out", folder / "out", "--table", folder / "clinical.csv", *chosen)


def refusal(folder: Path, patients: tuple[str, ...], table: str, *options: str) -> str:
    ran = run(folder, patients, table, *options)
    assert ran.exit_code == 1
    assert not (folder / "out").exists()
    return " ".join(ran.stderr.split())


def test_a_table_gives_hospitals_ages_and_times_to_folders(tmp_path: Path) -> None:
    table = (
        "Patient;Site;Age;Sex;hours_since_surgery;field_strength_t;KPS\n"
        "a;STO;61;female;30,5;3;90\nb;Gro;55;M;80;1,5;80\nc;n/a;;;;;70\nd;STO;44;F;20;3;90\n"
    )
    assert run(tmp_path, ("a", "b", "c"), table).exit_code == 0
    rows = rows_of(tmp_path / "out")
    shown = ("hospital", "age", "sex", "hours_since_surgery", "field_strength_t", "role")
    assert {patient: tuple(row.get(column, "") for column in shown) for patient, row in rows.items()} == {
        "a": ("STO", "61", "F", "30.5", "3", "auto"),
        "b": ("Gro", "55", "M", "80", "1,5", "exclude"),
        "c": ("unknown", "", "", "", "", "exclude"),
    }
    assert rows["b"]["exclusion_reason"] == "not early post-operative: the scan was later than 72 h after surgery"
    assert rows["c"]["exclusion_reason"] == "the hospital is not known"
    said = record_of(tmp_path / "out")["remarks"]
    assert said == ["clinical.csv: 1 patient(s) who have no image here", "clinical.csv: columns that are not used: kps"]


def test_grades_are_taken_over_and_other_words_left_out_with_a_remark(tmp_path: Path) -> None:
    table = "Patient;Annotation_Quality;image_quality\na;good;Fair\nb;3;n/a\n"
    assert run(tmp_path, ("a", "b"), table, "--hospital", "STO").exit_code == 0
    rows = rows_of(tmp_path / "out")
    found = {name: (row.get("annotation_quality"), row.get("image_quality")) for name, row in rows.items()}
    assert found == {"a": ("good", "Fair"), "b": (None, None)}
    record = record_of(tmp_path / "out")
    assert record["patients"]["b"]["remarks"] == ["annotation_quality is left empty: unknown grade '3'"]
    assert not record["remarks"]


@pytest.mark.parametrize(
    ("days", "death", "remark"),
    [
        ("300", "NA", "survival_days is left empty: death is not known"),
        ("200", "", "survival_days is left empty: death is not known"),
        ("n/a", "1", "death is left empty: survival_days is not known"),
        ("300", "maybe", "survival_days is left empty: death is not known"),
        ("100", "1", ""),
        ("", "NaN", ""),
    ],
)
def test_survival_is_written_whole_or_left_out_with_a_remark(
    tmp_path: Path, days: str, death: str, remark: str
) -> None:
    table = f"patient,hospital,death,survival_days\na,STO,{death},{days}\nb,STO,0,50\n"
    assert run(tmp_path, ("a", "b"), table).exit_code == 0
    rows = rows_of(tmp_path / "out")
    assert (rows["b"]["death"], rows["b"]["survival_days"]) == ("0", "50")
    written = ("1", "100") if days == "100" else (None, None)
    assert (rows["a"].get("death"), rows["a"].get("survival_days")) == written
    remarks = record_of(tmp_path / "out")["patients"]["a"]["remarks"]
    assert [said for said in remarks if said.startswith("survival_days") or "survival_days is" in said] == (
        [remark] if remark else []
    )


def test_who_has_no_row_gets_the_hospital_of_the_option_and_a_remark(tmp_path: Path) -> None:
    ran = run(tmp_path, ("a", "b"), "patient_id,hospital\na,STO\n", "--hospital", "GRO", "--assume-early")
    assert ran.exit_code == 0
    assert {patient: row["hospital"] for patient, row in rows_of(tmp_path / "out").items()} == {"a": "STO", "b": "GRO"}
    record = record_of(tmp_path / "out")
    assert record["patients"]["b"]["remarks"] == ["clinical.csv has no row of this patient"]
    assert "clinical.csv: no row of 1 patient(s)" in record["remarks"]


@pytest.mark.parametrize(
    ("folders", "named"),
    [(("001", "2"), ("1", "2.0")), (("sub-07", "P8"), ("07", "p8")), (("Jose\u0301", "x"), ("Jos\xe9", "x"))],
)
def test_what_a_spreadsheet_leaves_of_a_name_is_enough_if_one_patient_has_it(
    folders: tuple[str, str], named: tuple[str, str], tmp_path: Path
) -> None:
    first, second = named
    assert run(tmp_path, folders, f"id\thospital\n{first}\tSTO\n{second}\tGRO\n", "--assume-early").exit_code == 0
    hospitals = {row["source_id"]: row["hospital"] for row in rows_of(tmp_path / "out").values()}
    assert sorted(hospitals.values()) == ["GRO", "STO"]


@pytest.mark.parametrize("names", [("1", "01"), ("1", "1")])
def test_several_patients_with_such_names_are_not_matched_by_it(names: tuple[str, str], tmp_path: Path) -> None:
    table = f"id,hospital,age\n{names[0]},STO,61\n{names[1]},STO,62\n"
    # Two rows that read alike fit the folder 001; which one is right is not guessed.
    if names[0] == names[1]:
        assert "2 rows of 001 that differ; keep the right one" in refusal(tmp_path, ("001",), table)
    else:
        assert run(tmp_path, ("001",), table, "--hospital", "GRO").exit_code == 0
        (row,) = rows_of(tmp_path / "out").values()
        assert (row["hospital"], row.get("age")) == ("GRO", None)


def test_rows_choose_by_the_hospital_where_hospitals_share_names(tmp_path: Path) -> None:
    table = "patient,hospital,age\n001,STO,61\n001,GRO,62\n"
    assert run(tmp_path, ("STO/001", "GRO/001"), table, *WITH_HOSPITALS, "--assume-early").exit_code == 0
    ages = {row["hospital"]: row["age"] for row in rows_of(tmp_path / "out").values()}
    assert ages == {"STO": "61", "GRO": "62"}


def test_one_row_for_two_patients_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, ("STO/001", "GRO/001"), "patient,age\n001,61\n", *WITH_HOSPITALS)
    assert "clinical.csv: one row fits GRO/001 and STO/001; tell them apart by a column hospital" in said


@pytest.mark.parametrize(
    ("table", "options", "told"),
    [
        ("patient,hospital\na,STO\na,GRO\n", (), "clinical.csv: 2 rows of a that differ; keep the right one"),
        ("name,hospital\na,STO\n", (), "name the column of patients with --patient-column; there are name, hospital"),
        ("id,patient,hospital\n1,a,STO\n", (), "patient and id could be meant; name one of them with --patient-column"),
        ("patient,hospital\na,STO\n", ("--patient-column", "pid"), "--patient-column pid: "),
        (
            "patient,site,center\na,STO,GRO\n",
            (),
            "site and center could be meant; name one of them with --hospital-col",
        ),
        ("patient,age\na,61\n", (), "has no {hospital}; give --hospital, or a --table with the hospitals"),
        ("patient,hospital\na,STO,61\n", (), "row 2 has more cells than the header has columns"),
    ],
)
def test_a_table_that_does_not_say_whose_a_row_is_is_refused(
    table: str, options: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    assert told in refusal(tmp_path, ("a",), table, *options)


def test_a_hospital_that_contradicts_the_folder_is_refused_and_another_spelling_is_not(tmp_path: Path) -> None:
    said = refusal(tmp_path, ("STO/a",), "patient,hospital\na,GRO\n", *WITH_HOSPITALS)
    assert "a: the hospital is STO by its folder or name and GRO in clinical.csv; correct one of them" in said
    again = tmp_path / "again"
    again.mkdir()
    assert run(again, ("St. Olav/a",), "patient,hospital\na,ST OLAV\n", *WITH_HOSPITALS).exit_code == 0


def test_a_missing_table_and_columns_without_a_table_are_refused(tmp_path: Path) -> None:
    source = tree(tmp_path / "source", "a")
    ran = imported("folders", source, "--out", tmp_path / "out", *PATTERN, "--table", tmp_path / "no.csv")
    assert (ran.exit_code, "no such file" in ran.stderr) == (1, True)
    ran = imported("folders", source, "--out", tmp_path / "out", *PATTERN, "--hospital-column", "site")
    assert (ran.exit_code, "give the table with --table" in ran.stderr) == (1, True)


def test_a_time_that_cannot_be_read_excludes_the_patient(tmp_path: Path) -> None:
    table = "patient,hospital,surgery_date,scan_date\na,STO,2020-01-01,2020-01-03\nb,STO,01/02/2020,2020-01-03\n"
    assert run(tmp_path, ("a", "b"), table).exit_code == 0
    rows = rows_of(tmp_path / "out")
    assert (rows["a"]["role"], rows["a"]["hours_since_surgery"]) == ("auto", "48")
    assert rows["b"]["exclusion_reason"] == "the value of surgery_date cannot be read"


def test_brats_and_nnunet_take_a_table_too(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("case,hospital,age\nBraTS-GLI-00001,STO,61\ncase1,GRO,50\n")
    files = {f"BraTS-GLI-00001-100-{kind}.nii.gz": None for kind in ("t1c", "t1n", "t2f")}
    brats = write_tree(tmp_path / "brats", {**files, "BraTS-GLI-00001-100-seg.nii.gz": SEGMENTATION})
    assert imported("brats", brats, "--out", tmp_path / "b", "--table", tmp_path / "t.csv").exit_code == 0
    (row,) = rows_of(tmp_path / "b").values()
    assert (row["hospital"], row["age"]) == ("STO", "61")
    assert not any("not documented" in remark for remark in record_of(tmp_path / "b")["remarks"])
    dataset = {"channel_names": {"0": "T1Gd"}, "labels": {"background": 0, "residual": 1}, "file_ending": ".nii.gz"}
    files = {"dataset.json": dataset, "imagesTr/case1_0000.nii.gz": None, "labelsTr/case1.nii.gz": SEGMENTATION}
    raw = write_tree(tmp_path / "Dataset001", files)
    assert imported("nnunet", raw, "--out", tmp_path / "n", "--table", tmp_path / "t.csv").exit_code == 0
    (row,) = rows_of(tmp_path / "n").values()
    assert (row["hospital"], row["age"]) == ("GRO", "50")


def test_brats_cases_whom_a_table_of_hospitals_does_not_place_are_excluded(tmp_path: Path) -> None:
    source = write_tree(tmp_path / "s", {f"BraTS-GLI-0000{n}-100-t1c.nii.gz": None for n in (1, 2, 3)})
    (tmp_path / "t.csv").write_text("id,site,age\nBraTS-GLI-00001,STO,60\nBraTS-GLI-00002,NA,50\n", encoding="utf-8")
    (tmp_path / "ages.csv").write_text("id,age\nBraTS-GLI-00001,60\n", encoding="utf-8")

    def hospitals(out: str, table: str, *options: str) -> list[tuple[str, str]]:
        beside = ("--assume-early", "--table", tmp_path / table)
        assert imported("brats", source, "--out", tmp_path / out, *beside, *options).exit_code == 0
        return [(row["hospital"], row["role"]) for row in rows_of(tmp_path / out).values()]

    assert hospitals("a", "t.csv") == [("STO", "auto"), ("unknown", "exclude"), ("unknown", "exclude")]
    assert hospitals("b", "t.csv", "--hospital", "GRO") == [("STO", "auto"), ("GRO", "auto"), ("GRO", "auto")]
    assert hospitals("c", "ages.csv") == [("BRATS", "auto")] * 3
