from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from residua.cohort.checks.results import (
    invalid_patients,
    keep_problems,
    kept_problems,
    read_excluded,
    write_excluded,
)
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from residua.problems.severity import problem_of


def patient(folder: Path, name: str, content: bytes = b"voxels") -> Patient:
    """A patient of one file."""
    file = folder / f"{name}.nii.gz"
    file.write_bytes(content)
    return Patient(name, "STO", "auto", "", 2, {"post_t1": str(file)})


def error_of(name: str, check: str = "image-constant") -> Problem:
    return problem_of(check, "every voxel is 1", "copy it again", name, "post_t1")


@pytest.fixture
def both(tmp_path: Path) -> dict[str, Patient]:
    """Two patients, of whom both have an error on record."""
    found = {name: patient(tmp_path, name) for name in ("STO1", "STO2")}
    keep_problems(f"{tmp_path}/problems/STO-0.json", found.values(), [error_of("STO1"), error_of("STO2")])
    return found


def standing(folder: Path, patients: dict[str, Patient]) -> set[str | None]:
    return {problem.patient for problem in kept_problems(f"{folder}/problems", patients)}


def test_an_error_stands_while_the_files_are_unchanged(tmp_path: Path, both: dict[str, Patient]) -> None:
    assert kept_problems(f"{tmp_path}/problems", both) == [error_of("STO1"), error_of("STO2")]
    # A touched or copied file is the same file.
    os.utime(both["STO1"].files["post_t1"], (0, 0))
    assert standing(tmp_path, both) == {"STO1", "STO2"}


def test_a_corrected_file_makes_its_patient_a_candidate_again(tmp_path: Path, both: dict[str, Patient]) -> None:
    Path(both["STO1"].files["post_t1"]).write_bytes(b"VOXELS")
    assert standing(tmp_path, both) == {"STO2"}


def test_another_file_or_a_further_column_makes_a_candidate_again(tmp_path: Path, both: dict[str, Patient]) -> None:
    other = patient(tmp_path, "other").files["post_t1"]
    moved = replace(both["STO1"], files={"post_t1": other})
    more = replace(both["STO2"], files={**both["STO2"].files, "post_flair": other})
    assert standing(tmp_path, {"STO1": moved, "STO2": more}) == set()


def test_a_file_that_is_gone_is_judged_by_the_check_for_missing_files(tmp_path: Path, both: dict[str, Patient]) -> None:
    Path(both["STO1"].files["post_t1"]).unlink()
    assert standing(tmp_path, both) == {"STO2"}


def test_a_patient_removed_or_excluded_in_the_table_has_no_kept_error(tmp_path: Path, both: dict[str, Patient]) -> None:
    assert standing(tmp_path, {"STO1": replace(both["STO1"], role="exclude")}) == set()


def test_an_error_about_several_patients_stands_only_for_all_of_them(tmp_path: Path) -> None:
    patients = {name: patient(tmp_path, name) for name in ("STO1", "STO2", "STO3")}
    twins = [error_of("STO1", "same-voxels"), error_of("STO2", "same-voxels")]
    keep_problems(f"{tmp_path}/problems/twins.json", patients.values(), twins, dict.fromkeys(twins, ("STO2", "STO1")))
    assert standing(tmp_path, patients) == {"STO1", "STO2"}
    assert standing(tmp_path, {**patients, "STO2": replace(patients["STO2"], role="exclude")}) == set()


def test_warnings_exclude_no_patient(tmp_path: Path) -> None:
    who = patient(tmp_path, "STO1")
    keep_problems(f"{tmp_path}/problems/STO-0.json", [who], [replace(error_of("STO1"), severity="warning")])
    assert standing(tmp_path, {"STO1": who}) == set()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"problems": 3}', '{"seen": {}, "problems": [{"problem": 1}]}'])
def test_a_damaged_record_is_ignored(tmp_path: Path, both: dict[str, Patient], content: str) -> None:
    (tmp_path / "problems" / "GOT-0.json").write_text(content)
    assert standing(tmp_path, both) == {"STO1", "STO2"}


def test_the_table_of_the_excluded_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = f"{tmp_path}/excluded.tsv"
    assert read_excluded(table) == []
    problems = [
        replace(error_of("STO1", "label-not-binary"), what='holds\t"2"'),
        error_of("STO1"),
        error_of("STO2"),
        replace(error_of("STO3"), severity="warning"),
    ]
    write_excluded(table, problems)
    reasons = {"STO1": "image-constant, label-not-binary", "STO2": "image-constant"}
    assert invalid_patients(read_excluded(table)) == reasons == invalid_patients(problems)
    before = os.stat(table).st_ino
    write_excluded(table, problems)
    assert os.stat(table).st_ino == before, "an unchanged table is not written again: jobs may be reading it"
