from __future__ import annotations

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from cohort_tables import (
    AFFINE,
    COLUMNS,
    FILES,
    headers,
    row,
    rows,
    snapshot,
    study,
    write_image,
    write_images,
    write_table,
)
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.files import check_files, kinds_of, needed_columns
from residua.cohort.table.patient import Patient
from whole_tables import read_patients

GIVEN = (*FILES, "brain_mask")


def told(problems: Sequence[Any]) -> list[str]:
    return [str(problem) for problem in problems]


@pytest.fixture
def patients(tmp_path: Path) -> tuple[Patient, ...]:
    """The four patients of ``rows``, with sound files."""
    write_images(tmp_path, rows())
    return read_patients(write_table(tmp_path, rows()), FILES)


def broken_header(path: Path, **fields: Any) -> None:
    """Write ``fields`` into the header of a sound file, past nibabel's own checks."""
    raw = bytearray(gzip.decompress(path.read_bytes()))
    header = np.frombuffer(raw[:348], dtype=nib.nifti1.header_dtype).copy()
    for name, value in fields.items():
        header[name][0] = value
    path.write_bytes(gzip.compress(header.tobytes() + bytes(raw[348:])))


NOBODY = 65534
"""The number of a user who owns nothing."""


def test_a_sound_cohort_has_no_problem_and_volumes_in_ml(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    assert check_files(study(), patients) == headers(study(), patients) == []
    found = check_voxels(patients, kinds_of(study()))
    assert found["problems"] == []
    assert found["residual_ml"] == {patient.patient: pytest.approx(0.002) for patient in patients}
    assert found["pre_tumor_ml"] == {patient.patient: pytest.approx(0.004) for patient in patients}
    assert found["grids"]["STO1"]["residual"] == {"shape": [4, 5, 3], "spacing_mm": [1, 1, 2]}
    assert json.loads(json.dumps(found)) == found


def test_an_empty_mask_is_annotated_as_no_tumour(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    write_image(Path(patients[0].files["residual"]), np.zeros((4, 5, 3), np.uint8))
    found = check_voxels(patients[:1], kinds_of(study()))
    assert found["problems"] == []
    assert found["residual_ml"] == {"STO1": 0.0}


def test_missing_files_are_reported_at_once_and_empty_cells_are_not(tmp_path: Path) -> None:
    # Who may lack what is for residua.cohort.eligibility to say.
    records = [row("STO1", "STO", post_flair="", residual="n/a"), row("GOT1", "GOT", post_t1="images")]
    write_images(tmp_path, [row("STO1", "STO"), row("GOT1", "GOT")])
    (tmp_path / "images/GOT1_pre_tumor.nii.gz").unlink()
    before = snapshot(tmp_path)
    patients = read_patients(write_table(tmp_path, records), FILES)
    assert told(check_files(study(), patients)) == [
        f"row 3 (patient GOT1), column post_t1, {tmp_path}/images: not a file: give the path of the NIfTI file itself",
        f"row 3 (patient GOT1), column pre_tumor, {tmp_path}/images/GOT1_pre_tumor.nii.gz: the file does not exist: "
        "correct the path (relative to the table), or set role to exclude",
    ]
    (tmp_path / "cohort.tsv").unlink()
    assert snapshot(tmp_path) == before


def test_a_file_in_a_folder_that_may_not_be_opened_is_not_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed/t1.nii.gz").touch()
    (tmp_path / "link.nii.gz").symlink_to("closed/t1.nii.gz")
    files = {"post_t1ce": "closed/t1.nii.gz", "post_t1": "link.nii.gz"}
    patient = Patient("P1", "STO", "auto", "", 2, {column: str(tmp_path / file) for column, file in files.items()})
    (tmp_path / "closed").chmod(0)
    user = os.geteuid()
    try:
        # Root may open every folder, and nobody that of root's tests.
        os.seteuid(user or NOBODY)
        problems = check_files(study(), [patient])
    finally:
        os.seteuid(user)
        (tmp_path / "closed").chmod(0o700)
    assert [problem.check for problem in problems] == ["file-unreadable", "file-unreadable"]


def test_excluded_patients_need_no_files(tmp_path: Path) -> None:
    record = row("STO1", "STO", role="exclude", exclusion_reason="no FLAIR", post_flair="")
    patients = read_patients(write_table(tmp_path, [record]), FILES)
    assert check_files(study(), patients) == headers(study(), patients) == []
    assert check_voxels(patients, kinds_of(study()))["residual_ml"] == {}


def test_only_columns_that_the_study_reads_are_needed() -> None:
    assert needed_columns(study()) == FILES
    few = study(inputs={"B": ["post_t1ce", "post_t1"]})
    assert needed_columns(few) == FILES[:5]
    assert needed_columns(study(brain_mask={"method": "given"})) == GIVEN


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda path: path.write_bytes(b""), "the file is empty (0 bytes): copy it again from its source"),
        (lambda path: path.write_text("no image"), "not NIfTI: it does not begin with the header of such a file"),
        (lambda path: write_image(path, np.ones((4, 5, 3, 2))), "not one 3D volume: shape (4, 5, 3, 2)"),
        (lambda path: write_image(path, np.ones((4, 5, 1))), "not one 3D volume: shape (4, 5, 1)"),
        (lambda path: write_image(path, np.ones((4, 5, 3), np.complex64)), "voxels of type complex64"),
        (lambda path: broken_header(path, srow_x=[np.nan, 0, 0, 0]), "the affine has values that are not finite"),
        (lambda path: broken_header(path, srow_z=[0, 0, 0, 5]), "the affine is degenerate"),
        (lambda path: broken_header(path, srow_y=[1, 1e-5, 0, 0]), "the affine is degenerate"),
        (lambda path: broken_header(path, pixdim=[1, 1, 0, 2, 0, 0, 0, 0]), "spacing (1.0, 0.0, 2.0) mm is not"),
        (lambda path: broken_header(path, pixdim=[1, 1, -1, 2, 0, 0, 0, 0]), "spacing (1.0, -1.0, 2.0) mm is not"),
    ],
)
def test_a_broken_header_names_row_column_and_file(
    tmp_path: Path, patients: tuple[Patient, ...], damage: Any, what: str
) -> None:
    path = Path(patients[1].files["post_t1"])
    damage(path)
    before = snapshot(tmp_path)
    (problem,) = headers(study(), patients)
    assert str(problem).startswith(f"row 3 (patient GOT1), column post_t1, {path}: {what}")
    assert problem.is_error
    assert check_voxels(patients, kinds_of(study()))["problems"] == [problem.to_json()]
    assert snapshot(tmp_path) == before


def test_an_image_of_another_format_is_refused(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    other = tmp_path / "images/other.mgz"
    nib.save(nib.MGHImage(np.ones((4, 5, 3), np.float32), AFFINE), other)
    files = {**patients[0].files, "post_t1": str(other)}
    (problem,) = headers(study(), [Patient("STO1", "STO", "auto", "", 2, files)])
    assert f"column post_t1, {other}: MGH (FreeSurfer) instead of NIfTI: convert it to .nii.gz" in str(problem)


def test_a_mask_off_its_sequence_names_both_shapes_and_the_remedy(
    tmp_path: Path, patients: tuple[Patient, ...]
) -> None:
    residual, pre_tumor = Path(patients[0].files["residual"]), Path(patients[0].files["pre_tumor"])
    write_image(residual, np.zeros((6, 5, 3), np.uint8))
    shifted = AFFINE.copy()
    shifted[0, 3] = 1.0
    write_image(pre_tumor, np.zeros((4, 5, 3), np.uint8), shifted)
    first, second = told(headers(study(), patients))
    assert first == (
        f"row 2 (patient STO1), column residual, {residual}: shape (6, 5, 3) of 1x1x2 mm does not lie on the grid of "
        f"post_t1ce, shape (4, 5, 3) of 1x1x2 mm: resample the mask to {tmp_path}/images/STO1_post_t1ce.nii.gz with "
        "nearest neighbour, or draw it on that image"
    )
    assert "column pre_tumor" in second
    elsewhere = "on the grid of pre_t1ce, shape (4, 5, 3) of 1x1x2 mm, but elsewhere in space, 1 mm apart: resample"
    assert elsewhere in second


def test_a_mask_stored_in_another_axis_order_lies_on_the_same_grid(patients: tuple[Patient, ...]) -> None:
    path = Path(patients[0].files["residual"])
    image = nib.load(path)
    nib.save(image.as_reoriented(nib.orientations.axcodes2ornt("LIP")), path)
    assert nib.load(path).shape == (4, 3, 5)
    assert headers(study(), patients) == []


def test_a_given_brain_mask_must_lie_on_the_reference_and_hold_something(tmp_path: Path) -> None:
    record = row("STO1", "STO", brain_mask="images/brain.nii.gz")
    write_images(tmp_path, [record])
    patients = read_patients(write_table(tmp_path, [record], (*COLUMNS, "brain_mask")), GIVEN)
    given = study(brain_mask={"method": "given"})
    path = write_image(tmp_path / "images/brain.nii.gz", np.ones((4, 5, 2), np.uint8))
    (problem,) = told(headers(given, patients))
    assert f"column brain_mask, {path}: shape (4, 5, 2)" in problem
    assert "grid of post_t1ce, shape (4, 5, 3)" in problem
    write_image(path, np.zeros((4, 5, 3), np.uint8))
    assert [p["what"] for p in check_voxels(patients, kinds_of(given))["problems"]] == ["the brain mask is empty"]
    assert check_voxels(patients, kinds_of(study()))["problems"] == []


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"srow_x": [1, 0, 0, 9]}, "sform and qform disagree"),
        ({"sform_code": 0, "qform_code": 0}, "the header gives no orientation"),
    ],
)
def test_a_doubtful_orientation_is_a_warning(patients: tuple[Patient, ...], fields: dict[str, Any], what: str) -> None:
    path = Path(patients[0].files["post_t1"])
    write_image(path)
    image = nib.load(path)
    image.set_qform(AFFINE, 1)
    image.set_sform(AFFINE, 1)
    nib.save(image, path)
    assert headers(study(), patients) == []
    broken_header(path, **fields)
    (problem,) = headers(study(), patients)
    assert problem.what.startswith(what)
    assert problem.severity == "warning"
    assert problem.row == 2
    assert problem.file == str(path)


@pytest.mark.parametrize(
    ("column", "voxels", "what"),
    [
        ("post_t1", np.full((4, 5, 3), 7, np.int16), "every voxel is 7"),
        ("post_t1", np.where(np.eye(4, 5)[..., None] > 0, [np.nan] * 3, 2.0), "12 of 60 voxels are NaN"),
        ("post_t1", np.where(np.eye(4, 5)[..., None] > 0, [-np.inf] * 3, 2.0), "12 of 60 voxels are infinite"),
        ("residual", np.full((4, 5, 3), 2, np.uint8), "a mask holds only 0 and 1, but this one also 2"),
        (
            "residual",
            np.linspace(0, 1, 60).reshape(4, 5, 3),
            "a mask holds only 0 and 1, but this one also 0.0169492, ",
        ),
        ("pre_tumor", np.where(np.eye(4, 5)[..., None] > 0, [np.nan] * 3, 0.0), "12 of 60 voxels are not finite"),
    ],
)
def test_unusable_voxels_are_reported(
    tmp_path: Path, patients: tuple[Patient, ...], column: str, voxels: Any, what: str
) -> None:
    path = write_image(Path(patients[2].files[column]), voxels)
    before = snapshot(tmp_path)
    (problem,) = check_voxels(patients, kinds_of(study()))["problems"]
    assert problem["what"].startswith(what)
    assert problem["remedy"]
    place = {"row": 4, "patient": "PAR1", "subject": column, "file": str(path)}
    assert problem == {**problem, **place, "severity": "error"}
    assert snapshot(tmp_path) == before


def test_a_mask_with_rounding_errors_is_a_mask_and_measured_on_its_own_grid(patients: tuple[Patient, ...]) -> None:
    voxels = np.zeros((4, 5, 3), np.float32)
    voxels[1, 1] = 0.9995
    write_image(Path(patients[0].files["pre_tumor"]), voxels, np.diag([2.0, 3.0, 5.0, 1.0]))
    found = check_voxels(patients[:1], kinds_of(study()))
    assert found["problems"] == []
    assert found["pre_tumor_ml"]["STO1"] == pytest.approx(3 * 30 / 1000)


def test_a_file_that_is_all_there_and_damaged_is_found_by_its_voxels(patients: tuple[Patient, ...]) -> None:
    noise = np.random.default_rng(1).integers(0, 4000, (40, 40, 40)).astype(np.int16)
    path = write_image(Path(patients[0].files["post_t1"]), noise)
    whole = bytearray(path.read_bytes())
    whole[40000:40100] = bytes(100)
    path.write_bytes(whole)
    assert headers(study(), patients) == []
    (problem,) = check_voxels(patients, kinds_of(study()))["problems"]
    assert problem["what"].startswith("the voxels cannot be read, the file")
    assert (problem["row"], problem["subject"], problem["file"]) == (2, "post_t1", str(path))
