from __future__ import annotations

import json
from pathlib import Path

import pytest

from cohort_tables import rows, snapshot, study, write_images, write_table
from residua.cohort.checks.results import invalid_patients, keep_problems
from residua.cohort.cohort import judged_cohort
from residua.cohort.commands.standing import excluded_at_start, known_headers, known_problems
from residua.problems.severity import problem_of


@pytest.fixture
def table(tmp_path: Path) -> str:
    """The table of four patients with sound files."""
    write_images(tmp_path, rows(), enlarged=True)
    return write_table(tmp_path, rows())


def known(table: str, folder: Path, version: str = "1") -> dict[str, str]:
    return invalid_patients(known_problems(study(on_invalid="exclude"), table, str(folder / "cohort"), version))


def test_missing_files_headers_and_kept_errors_exclude_patients(tmp_path: Path, table: str) -> None:
    assert known(table, tmp_path) == {}
    (tmp_path / "images/STO1_post_t1.nii.gz").unlink()
    (tmp_path / "images/GOT1_post_flair.nii.gz").write_bytes(b"")
    cohort, _ = judged_cohort(study(), table)
    constant = problem_of("image-constant", "every voxel is 1", "copy it again", "PAR1", "post_t1")
    keep_problems(f"{tmp_path}/cohort/problems/PAR-0.json", [cohort.patients["PAR1"]], [constant])
    found = known(table, tmp_path)
    assert list(found) == ["STO1", "GOT1", "PAR1"]
    assert found["STO1"] == "file-missing"
    assert found["PAR1"] == "image-constant"
    left, problems = judged_cohort(study(), table, found)
    assert {name: patient.excluded_by for name, patient in left.patients.items() if patient.excluded} == dict.fromkeys(
        ("STO1", "GOT1", "PAR1"), "check"
    )
    assert set(left.candidates) == {"STO-0", "GOT-0", "PAR-0", "AMS-0"}
    assert set(left.batches) == {"AMS-0"}
    assert any("has no patients" in problem.what for problem in problems)


def test_commands_know_whom_a_start_would_exclude_and_write_nothing(tmp_path: Path, table: str) -> None:
    (tmp_path / "images/STO1_post_t1.nii.gz").unlink()
    (tmp_path / "images/GOT1_post_flair.nii.gz").write_bytes(b"")
    cohort, _ = judged_cohort(study(), table)
    constant = problem_of("image-constant", "every voxel is 1", "copy it again", "PAR1", "post_t1")
    keep_problems(f"{tmp_path}/cohort/problems/PAR-0.json", [cohort.patients["PAR1"]], [constant])
    before, of = snapshot(tmp_path), study(on_invalid="exclude")
    assert excluded_at_start(study(), table, f"{tmp_path}/cohort") == {}
    of_first_run = {"STO1": "file-missing", "GOT1": "file-empty"}
    assert excluded_at_start(of, table, None) == of_first_run
    assert excluded_at_start(of, table, f"{tmp_path}/cohort") == {**of_first_run, "PAR1": "image-constant"}
    assert snapshot(tmp_path) == before


def test_headers_are_read_again_only_when_something_changed(tmp_path: Path, table: str) -> None:
    cohort, _ = judged_cohort(study(), table)
    patients = list(cohort.patients.values())
    kept = tmp_path / "cohort" / "headers.json"
    assert known_headers(study(), patients, str(kept), "1") == []
    assert not kept.exists(), "planning a study writes nothing"
    kept.parent.mkdir()
    known_headers(study(), patients, str(kept), "1")
    # What is kept is believed: an entry that no header could give comes back.
    record = json.loads(kept.read_text())
    record["problems"] = [problem_of("header-damaged", "kept", "").to_json()]
    kept.write_text(json.dumps(record))
    assert [problem.what for problem in known_headers(study(), patients, str(kept), "1")] == ["kept"]
    assert known_headers(study(), patients, str(kept), "2") == [], "other code looks for itself"
    kept.write_text(json.dumps(record))
    (tmp_path / "images/STO1_post_t1.nii.gz").write_bytes(b"")
    assert [problem.patient for problem in known_headers(study(), patients, str(kept), "1")] == ["STO1"]
    kept.write_text("{")
    assert [problem.patient for problem in known_headers(study(), patients, str(kept), "1")] == ["STO1"]
