from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest

from cohort_tables import FILES
from dicom_commands import Rows, confirm, convert, propose
from dicom_trees import FLAIR, IDENTITY, SHAPE, T1, T1CE, write_series
from residua.cohort.table.patients import parse_table

Stopped = tuple[Path, Rows, dict[str, Any]]
GD, SURGERY = "T1 MPRAGE +GD", f"{IDENTITY},2020-01-02 13:00\nMRN4712,2020-01-02 13:00"


def of(rows: Rows, word: str) -> list[dict[str, str]]:
    return [row for row in rows if word in row["description"]]


def volume_of(out: Path, column: str) -> Any:
    """The voxels of a column of the converted cohort, sorted, since dcm2niix may turn axes."""
    image: Any = nib.load(out.parent / "cohort" / "images" / "STO001" / f"{column}.nii.gz")
    return np.sort(np.asarray(image.dataobj).ravel())


def test_series_of_two_persons_is_not_mixed_and_both_are_named(tmp_path: Path) -> None:
    pacs = tmp_path / "pacs"
    for patient, study in ((IDENTITY, "1.2.3"), ("MRN4712", "1.2.4")):
        folder = pacs / patient
        write_series(folder / "a", GD, "20200103 0930", study, 2, patient, SeriesInstanceUID="1.2.77", **T1CE)
        write_series(folder / "b", "FLAIR", "20200103 0945", study, 3, patient, **FLAIR)
    out, rows, printed = propose(pacs, SURGERY)
    assert {row["patient"] for row in rows} == {"STO001", "STO002"}
    first, second = of(rows, "MPRAGE")
    assert (first["column"], second["column"], first["slices"], second["slices"]) == ("", "", "12", "12")
    assert "its SeriesInstanceUID is also that of patient STO002, study 1, series 1" in first["reasons"]
    assert "its SeriesInstanceUID is also that of patient STO001, study 1, series 1" in second["reasons"]
    assert (
        "patient STO001, study 1, series 1: not proposed: its SeriesInstanceUID is also that of patient STO002"
        in printed
    )
    assert [row["column"] for row in of(rows, "FLAIR")] == ["post_flair", "post_flair"]
    confirm(out, [{**row, "column": row["column"] or "post_t1ce"} for row in rows])
    refused = convert(out)
    assert refused.exit_code == 1
    assert refused.stderr.count("is also that of patient") == 2


def test_series_in_two_studies_of_a_person_is_not_mixed(tmp_path: Path) -> None:
    for study, day in (("1.2.3", "20200101"), ("1.2.4", "20200103")):
        write_series(tmp_path / "pacs" / study, GD, f"{day} 0930", study, SeriesInstanceUID="1.2.77", **T1CE)
    _, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert [(row["column"], row["study"], row["slices"]) for row in rows] == [("", "1", "12"), ("", "2", "12")]
    assert "is also that of patient STO001, study 2, series 1" in rows[0]["reasons"]


@pytest.mark.parametrize("where", ["own", "other"])
def test_two_images_with_one_identifier_are_a_fault_of_both_series(tmp_path: Path, where: str) -> None:
    pacs = tmp_path / "pacs"
    write_series(pacs / "own", GD, "20200103 0930", "1.2.3", **T1CE)
    write_series(pacs / "other", "FLAIR", "20200103 0945", "1.2.3", 2, **FLAIR)
    one, another = sorted((pacs / "own").iterdir())[0], sorted((pacs / where).iterdir())[7]
    image = pydicom.dcmread(another)
    image.SOPInstanceUID = pydicom.dcmread(one).SOPInstanceUID
    image.save_as(another)
    _, (contrast, flair), _ = propose(pacs, SURGERY)
    if where == "own":
        assert "two different images of it have the same SOPInstanceUID" in contrast["reasons"]
        assert (contrast["column"], flair["column"]) == ("", "post_flair")
    else:
        assert "the SOPInstanceUID of an image of patient STO001, study 1, series 2" in contrast["reasons"]
        assert "the SOPInstanceUID of an image of patient STO001, study 1, series 1" in flair["reasons"]
        assert (contrast["column"], flair["column"]) == ("", "")


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"PatientName": "ROE^RICHARD"}, "2 names"),
        ({"PatientBirthDate": "19610101"}, "2 dates of birth"),
        ({"PatientName": "ROE^RICHARD", "PatientSex": "M"}, "2 names, 2 sexes"),
    ],
)
def test_one_patient_identifier_of_two_persons_is_asked(tmp_path: Path, tags: dict[str, str], said: str) -> None:
    write_series(tmp_path / "pacs" / "a", GD, "20200103 0930", "1.2.3", **T1CE)
    write_series(tmp_path / "pacs" / "b", "FLAIR", "20200103 0945", "1.2.4", 2, **FLAIR | tags)
    _, rows, _ = propose(tmp_path / "pacs", SURGERY)
    for row in rows:
        assert row["column"] == ""
        assert f"question: files with this PatientID give {said}: are they one person?" in row["reasons"]


def test_series_whose_own_files_are_of_two_persons_is_a_fault(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs", GD, "20200103 0930", "1.2.3", **T1CE)
    for path in sorted((tmp_path / "pacs").iterdir())[6:]:
        image = pydicom.dcmread(path)
        image.PatientName = "ROE^RICHARD"
        image.save_as(path)
    out, (row,), printed = propose(tmp_path / "pacs", SURGERY)
    assert row["reasons"].startswith("its files give 2 names: whose it is, is not known")
    assert "ROE" not in printed + (out / "proposal.tsv").read_text()
    confirm(out, [{**row, "column": "post_t1ce"}])
    assert "its files give 2 names" in convert(out).stderr


def test_spelling_of_a_name_and_missing_fields_raise_no_question(tmp_path: Path) -> None:
    write_series(tmp_path / "pacs" / "a", GD, "20200103 0930", "1.2.3", **T1CE)
    tags = {"PatientName": "Doe^Jane ^^Dr", "PatientBirthDate": "", "PatientSex": ""}
    write_series(tmp_path / "pacs" / "b", "FLAIR", "20200103 0945", "1.2.3", 2, **FLAIR | tags)
    _, rows, _ = propose(tmp_path / "pacs", SURGERY)
    assert [row["column"] for row in rows] == ["post_t1ce", "post_flair"]


def test_study_of_two_patients_is_asked(tmp_path: Path) -> None:
    for patient in (IDENTITY, "MRN4712"):
        write_series(tmp_path / "pacs" / patient, GD, "20200103 0930", "1.2.3", 1, patient, **T1CE)
    _, rows, _ = propose(tmp_path / "pacs", SURGERY)
    for row in rows:
        assert row["column"] == ""
        assert "patients STO001, STO002 have the same StudyInstanceUID: are they one person?" in row["reasons"]


@pytest.fixture
def stopped(tmp_path: Path) -> Stopped:
    """A conversion that stopped because a file of FLAIR is away, its rows and the voxels of T1 and T1-CE."""
    pacs = tmp_path / "pacs"
    voxels = {
        "T1": write_series(pacs / "t1", "T1 nativ", "20200103 0930", "1.2.3", 1, **T1),
        "T1CE": write_series(pacs / "t1ce", GD, "20200103 0940", "1.2.3", 2, **T1CE),
    }
    write_series(pacs / "flair", "FLAIR", "20200103 0950", "1.2.3", 3, **FLAIR)
    out, rows, _ = propose(pacs, SURGERY)
    confirm(out, rows)
    (pacs / "flair" / "003_0004").rename(tmp_path / "away")
    refused = convert(out)
    assert refused.exit_code == 1
    assert "(post_flair): a file of the source is missing" in refused.stderr
    assert len(list((out / "private" / "converted").iterdir())) == 2
    return out, rows, {name: np.sort(each.ravel()) for name, each in voxels.items()}


def test_volumes_that_are_kept_belong_to_a_series_and_not_to_a_column(
    stopped: Stopped,
) -> None:
    out, rows, voxels = stopped
    swap = {"post_t1": "post_t1ce", "post_t1ce": "post_t1", "post_flair": ""}
    confirm(out, [{**row, "column": swap[row["column"]]} for row in rows])
    assert convert(out).exit_code == 0
    assert np.array_equal(volume_of(out, "post_t1"), voxels["T1CE"])
    assert np.array_equal(volume_of(out, "post_t1ce"), voxels["T1"])
    assert sorted(path.name for path in (out.parent / "cohort" / "images" / "STO001").iterdir()) == [
        "post_t1.nii.gz", "post_t1ce.nii.gz",
    ]  # fmt: skip
    assert not (out / "private" / "converted").exists()


def test_stopped_conversion_continues_without_converting_again(stopped: Stopped) -> None:
    out, _, _ = stopped
    (out.parent / "away").rename(out.parent / "pacs" / "flair" / "003_0004")
    for kept in (out / "private" / "converted").iterdir():
        nib.save(nib.Nifti1Image(np.ones((3, 4, 5), np.int16), np.eye(4)), kept)
    assert convert(out).exit_code == 0
    assert volume_of(out, "post_t1").size == volume_of(out, "post_t1ce").size == 60
    assert volume_of(out, "post_flair").size == np.prod(SHAPE)


def test_series_that_changed_is_converted_again(stopped: Stopped) -> None:
    out, rows, voxels = stopped
    changed = out.parent / "pacs" / "t1" / "001_0003"
    image = pydicom.dcmread(changed)
    image.PixelData = bytes(len(image.PixelData))
    image.save_as(changed)
    confirm(out, [{**row, "column": row["column"].replace("post_flair", "")} for row in rows])
    assert convert(out).exit_code == 0
    assert np.array_equal(volume_of(out, "post_t1ce"), voxels["T1CE"])
    assert np.count_nonzero(volume_of(out, "post_t1") == 0) >= SHAPE[0] * SHAPE[1]


def test_file_of_another_series_in_the_place_of_one_is_refused(stopped: Stopped) -> None:
    out, rows, _ = stopped
    pacs = out.parent / "pacs"
    shutil.copy(pacs / "t1ce" / "002_0003", pacs / "t1" / "001_0003")
    confirm(out, [{**row, "column": row["column"].replace("post_flair", "")} for row in rows])
    refused = convert(out)
    assert refused.exit_code == 1
    assert (
        "(post_t1): a file of the source is no longer of this series; run residua import dicom again" in refused.stderr
    )


def test_series_confirmed_for_two_columns_or_a_column_of_no_image_is_refused(
    stopped: Stopped,
) -> None:
    out, rows, _ = stopped
    confirm(out, [*rows, {**rows[0], "column": "post_t2"}, {**rows[1], "column": "age"}])
    refused = convert(out)
    assert "the series is confirmed for two columns; write no in one of the rows" in refused.stderr
    assert "'age' is not a column name" in refused.stderr


def test_patient_without_a_confirmed_series_is_excluded_with_the_reason(tmp_path: Path) -> None:
    for patient, study in ((IDENTITY, "1.2.3"), ("MRN4712", "1.2.4")):
        write_series(tmp_path / "pacs" / patient, GD, "20200103 0930", study, 2, patient, **T1CE)
    out, rows, _ = propose(tmp_path / "pacs", SURGERY)
    confirm(out, [rows[0], {**rows[1], "column": ""}])
    ran = convert(out)
    assert ran.exit_code == 0
    assert "excluded 1: no series of the patient was confirmed" in ran.output
    first, second = parse_table(str(out.parent / "cohort" / "cohort.tsv"), FILES).patients
    assert (first.excluded, second.excluded) == (False, True)
