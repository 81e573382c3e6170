from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cohort_tables import (
    COLUMNS,
    FILES,
    ROOT,
    but_tiny,
    row,
    rows,
    snapshot,
    study,
    write_image,
    write_images,
    write_table,
)
from residua.cohort.cohort import judged_cohort, load_cohort
from residua.cohort.commands.verdict import check_cohort
from residua.cohort.table.patient import Patient
from residua.errors import ResiduaError
from whole_tables import read_patients


@pytest.fixture
def patients(tmp_path: Path) -> tuple[Patient, ...]:
    """The four patients of ``rows``, with sound files."""
    write_images(tmp_path, rows())
    return read_patients(write_table(tmp_path, rows()), FILES)


def test_the_cohort_is_loaded_with_its_split_and_batches(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    cohort = load_cohort(study(), f"{tmp_path}/cohort.tsv")
    assert tuple(cohort.patients.values()) == patients
    assert cohort.split.folds == {0: ("STO1",), 1: ("GOT1", "PAR1")}
    assert cohort.batches == {f"{h}-0": (f"{h}1",) for h in ("STO", "GOT", "PAR", "AMS")}


def test_the_cohort_is_refused_with_all_problems_of_table_split_and_files(
    tmp_path: Path, patients: tuple[Patient, ...]
) -> None:
    Path(patients[3].files["post_flair"]).unlink()
    path = write_table(tmp_path, [*rows(), row("STO1", "STO"), row("AMS1", "XYZ", role="test")])
    before = snapshot(tmp_path)
    with pytest.raises(ResiduaError) as raised:
        load_cohort(study(), path)
    title, *lines = str(raised.value).splitlines()
    assert title == f"{path}: the study cannot run on this cohort (6 to correct):"
    flair = f"column post_flair, {tmp_path}/images/AMS1_post_flair.nii.gz: the file does not exist"
    starts = [
        "row 6 (patient STO1), column patient: the patient is also in row 2",
        "row 7 (patient AMS1), column role: unknown role 'test'",
        "row 7 (patient AMS1), column patient: the patient is also in row 5",
        "row 7 (patient AMS1), column hospital: hospital XYZ (1 patient(s)) is neither in a fold nor in the hold-out",
        f"row 5 (patient AMS1), {flair}",
        f"row 7 (patient AMS1), {flair}",
    ]
    assert len(lines) == len(starts)
    assert all(line.startswith(f"  {start}") for line, start in zip(lines, starts, strict=True))
    assert snapshot(tmp_path) == before


def test_a_missing_column_is_reported_once_and_not_for_each_patient(
    tmp_path: Path, patients: tuple[Patient, ...]
) -> None:
    path = write_table(tmp_path, rows(), COLUMNS[:-1])
    with pytest.raises(ResiduaError) as raised:
        load_cohort(study(), path)
    assert str(raised.value).splitlines()[1:] == [
        "  row 1, column pre_tumor: the column is missing: add it to the table, or delete it in the config "
        "(in inputs D, E; labels.pre_tumor, registration.resected)"
    ]
    few = load_cohort(study(inputs={"A": ["post_t1ce"]}), path)
    assert "pre_tumor" not in few.patients["STO1"].files


@pytest.mark.parametrize(
    ("lacking", "changes", "remedy"),
    [
        (
            "post_flair",
            {"inputs": {"A": ["post_t1ce"]}},
            "no input configuration uses it: delete it in the config (sequences.moving), or add it to the table",
        ),
        (
            "post_flair",
            {"inputs": {"C": ["post_t1ce", "post_flair"]}},
            "add it to the table, or delete it in the config (in every input configuration; sequences.moving)",
        ),
        ("post_t1ce", {}, "add it to the table"),
        ("residual", {}, "add it to the table"),
        (
            "brain_mask",
            {"brain_mask": {"method": "given"}},
            "add it to the table, or choose another brain_mask.method in the config",
        ),
    ],
)
def test_a_missing_column_is_mended_where_this_study_can(
    lacking: str, changes: dict[str, Any], remedy: str, tmp_path: Path, patients: tuple[Patient, ...]
) -> None:
    path = write_table(tmp_path, rows(), [column for column in COLUMNS if column != lacking])
    missing = [p for p in judged_cohort(study(**changes), path)[1] if p.check == "column-missing"]
    assert [(problem.subject, problem.remedy) for problem in missing] == [(lacking, remedy)]


def test_the_whole_check_tells_each_problem_once(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    Path(patients[0].files["post_t1"]).unlink()
    Path(patients[1].files["post_t1"]).write_bytes(b"")
    write_image(Path(patients[2].files["post_t1"]), np.ones((4, 5, 3)))
    seen: list[tuple[int, int]] = []
    verdict = check_cohort(study(), f"{tmp_path}/cohort.tsv", progress=lambda *done: seen.append(done))
    what = ["the file does not exist", "the file is empty (0 bytes)", "every voxel is 1"]
    found = [problem for problem in but_tiny(verdict.problems) if problem.file]
    assert [problem.what for problem in found] == what
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not verdict.runs
    assert verdict.to_json()["residual_ml"]["GOT1"] == pytest.approx(0.002)
    quick = check_cohort(study(), f"{tmp_path}/cohort.tsv", voxels=False)
    assert [problem.what for problem in but_tiny(quick.problems)] == what[:2]
    left = check_cohort(study(on_invalid="exclude"), f"{tmp_path}/cohort.tsv")
    assert not left.runs, "fold 0 has no patients"


def test_loading_a_cohort_imports_no_array_or_image_library() -> None:
    code = "import sys, residua.cohort; print([m for m in ('numpy', 'nibabel', 'pandas', 'scipy') if m in sys.modules])"
    environment = {"PYTHONPATH": str(ROOT / "src")}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert ran.stdout == "[]\n"
