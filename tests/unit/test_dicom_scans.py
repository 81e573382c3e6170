"""Scans of new patients that are DICOM series: which series a path means, its conversion, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from bundles import write_micro_bundle
from dicom_trees import FLAIR, SHAPE, T1, T1CE, write_enhanced, write_series
from residua.cli import app
from residua.cohort.commands.standing import problems_of
from residua.inference.bundles import Bundle
from residua.inference.dicom_masks import write_dicom_masks
from residua.inference.dicom_scans import FromDicom, convert_scans, find_series
from residua.inference.folder import prepare_folder
from residua.inference.new_patients import load_new_patients
from residua.inference.predict import check_patients, open_checked
from residua.inference.request import NewPatient, patients_below
from residua.settings.study import Study

GD, STUDY, WHEN = "T1 MPRAGE +GD", "1.2.3", "20200103 0930"
Voxels = Any


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Study, tuple[Bundle, ...]]:
    write_micro_bundle(tmp_path / "b.zip")
    return open_checked([tmp_path / "b.zip"])


@pytest.fixture
def study(opened: tuple[Study, tuple[Bundle, ...]]) -> Study:
    return opened[0]


def patient(name: str = "P1", **files: Path | str) -> NewPatient:
    return NewPatient(name, {column: Path(file) for column, file in files.items()})


def t1ce(folder: Path, number: int = 5, **tags: Any) -> Voxels:
    return write_series(folder, GD, WHEN, STUDY, number, **{**T1CE, **tags})


def two_series(folder: Path) -> Path:
    t1ce(folder)
    write_series(folder, "FLAIR tra", "20200103 0945", STUDY, 6, **FLAIR)
    return folder


def converted(patients: list[NewPatient], study: Study, out: Path) -> FromDicom:
    found = convert_scans(find_series(patients, study), out)
    assert found.problems == []
    return found


def sorted_voxels(file: Path) -> Any:
    """The voxels in any order: dcm2niix may turn axes."""
    image: Any = nib.load(file)
    return np.sort(np.asarray(image.dataobj).ravel())


def test_a_folder_of_one_series_becomes_a_volume_and_files_stay_what_they_are(tmp_path: Path, study: Study) -> None:
    voxels = t1ce(tmp_path / "dicom" / "deep")
    given = patient(post_t1ce=tmp_path / "dicom", post_t1=tmp_path / "t1.nii.gz")
    found = converted([given], study, tmp_path / "out")
    (placed,) = found.placed([given], tmp_path / "out")
    assert placed.files["post_t1"] == tmp_path / "t1.nii.gz"
    assert placed.files["post_t1ce"].parent == tmp_path / "out" / "images" / "P1"
    assert np.array_equal(sorted_voxels(placed.files["post_t1ce"]), np.sort(voxels.ravel()))
    assert b"DOE" not in placed.files["post_t1ce"].read_bytes()


def test_the_same_series_is_converted_once_wherever_it_lies_and_another_takes_its_place(
    tmp_path: Path, study: Study
) -> None:
    out = tmp_path / "out"
    t1ce(tmp_path / "a")
    first = converted([patient(post_t1ce=tmp_path / "a")], study, out).scans[0].volume
    before = (out / first).stat().st_mtime_ns
    (tmp_path / "a").rename(tmp_path / "moved")
    again = converted([patient(post_t1ce=tmp_path / "moved")], study, out).scans[0].volume
    assert (again, (out / again).stat().st_mtime_ns) == (first, before)
    t1ce(tmp_path / "b")
    other = converted([patient(post_t1ce=tmp_path / "b")], study, out).scans[0].volume
    assert [path.name for path in (out / "images/P1").iterdir()] == [other.name] != [first.name]


def test_one_of_several_series_is_named_by_its_number_or_identifier(tmp_path: Path, study: Study) -> None:
    folder = two_series(tmp_path / "dicom")
    for chosen, description in (("5", "T1"), ("6", "FLAIR")):
        found = find_series([patient(post_t1ce=f"{folder}#{chosen}")], study)
        assert found.problems == []
        assert description in found.scans[0].series.description
    uid = found.scans[0].series.series_uid
    assert find_series([patient(post_t1ce=f"{folder}#{uid}")], study).scans[0].series.series_uid == uid


def test_series_of_one_number_are_listed_by_identifier(tmp_path: Path, study: Study) -> None:
    for name in ("a", "b"):
        t1ce(tmp_path / "dicom" / name)
    (unusable,) = find_series([patient(post_t1ce=f"{tmp_path}/dicom#5")], study).unusable
    assert "holds 2 DICOM series, and none or several of them are 5" in unusable.problem.what
    assert "name one by its SeriesInstanceUID, FOLDER#UID, as the command lists them" in unusable.problem.remedy
    uids = {pydicom.dcmread(path).SeriesInstanceUID for path in (tmp_path / "dicom").rglob("0*")}
    assert {line.partition("#")[2].partition(":")[0] for line in unusable.listing} == uids
    (asked,) = find_series([patient(post_t1ce=f"{tmp_path}/dicom#{min(uids)}9")], study).unusable
    # The patient's record tells the problem, and no identifier.
    assert not any(uid in str(each.problem) for each in (unusable, asked) for uid in uids)


def test_an_enhanced_file_is_a_series_by_itself(tmp_path: Path, study: Study) -> None:
    voxels = write_enhanced(tmp_path / "dicom", GD, WHEN, STUDY, RepetitionTime=2000)
    (file,) = (tmp_path / "dicom").iterdir()
    found = converted([patient(post_t1ce=file)], study, tmp_path / "out")
    assert np.array_equal(sorted_voxels(tmp_path / "out" / found.scans[0].volume), np.sort(voxels.ravel()))


def without_a_slice(folder: Path) -> None:
    t1ce(folder, missing=(5,))


def of_ct(folder: Path) -> None:
    t1ce(folder, Modality="CT")


def only_nifti(folder: Path) -> None:
    folder.mkdir()
    nib.save(nib.Nifti1Image(np.zeros((2, 3, 4), np.float32), np.eye(4)), folder / "t1ce.nii.gz")


def cut_off(folder: Path) -> None:
    t1ce(folder)
    file = sorted(folder.iterdir())[3]
    file.write_bytes(file.read_bytes()[:-100])


def partly_fetched(folder: Path) -> None:
    t1ce(folder)
    for file in sorted(folder.iterdir())[-3:]:
        file.unlink()
        file.symlink_to(".git/annex/objects/" + file.name)


BAD: list[tuple[Callable[[Path], Any], str, str]] = [
    (only_nifti, "", "no DICOM series is in the folder"),
    (Path.mkdir, "", "no DICOM series is in the folder"),
    (two_series, "", "the folder holds 2 DICOM series"),
    (two_series, "#9", "the folder holds 2 DICOM series, and none or several of them are 9"),
    (without_a_slice, "", "slice 6 of 12 at"),
    (of_ct, "", "modality CT, not MR"),
    (partly_fetched, "", "3 of the files in the folder are broken links, or cannot be opened: fetch or restore them"),
    (cut_off, "", "1 of its 12 files cannot be used"),
    (t1ce, "/005_0003", "a single slice of a DICOM series: give the folder that holds all its files"),
]


@pytest.mark.parametrize(("write", "chosen", "said"), BAD, ids=[f"{b[0].__name__}{b[1]}" for b in BAD])
def test_a_call_for_one_patient_whose_series_cannot_be_used_says_why_and_leaves_nothing(
    tmp_path: Path, opened: object, write: Callable[[Path], Any], chosen: str, said: str
) -> None:
    write(tmp_path / "dicom")
    given = f"{tmp_path}/dicom{chosen}"
    call = ["predict", "--bundle", str(tmp_path / "b.zip"), "--out", str(tmp_path / "out"), "--post-t1ce", given]
    ran = CliRunner().invoke(app, [*call, "--post-t1", "t1.nii.gz"])
    assert (ran.exit_code, "Traceback" in ran.output) == (1, False)
    assert ran.output.count(said) == 1, ran.output
    assert "patient patient, post_t1ce" in ran.output
    assert not (tmp_path / "out").exists()


def test_several_series_are_listed_with_what_names_them(tmp_path: Path, study: Study) -> None:
    folder = two_series(tmp_path / "dicom")
    (unusable,) = find_series([patient(post_t1ce=folder)], study).unusable
    assert "name one by its number, as in FOLDER#5" in unusable.problem.remedy
    assert unusable.listing == (
        f"{folder}#5: {GD}, 12 slices, 2020-01-03 09:30",
        f"{folder}#6: FLAIR tra, 12 slices, 2020-01-03 09:45",
    )
    # Descriptions may name a person; the problem is told in the patient's record.
    assert GD not in str(unusable.problem)


def test_a_mask_is_no_series(tmp_path: Path, study: Study) -> None:
    t1ce(tmp_path / "dicom")
    (problem,) = find_series([patient(pre_tumor=tmp_path / "dicom")], study).problems
    assert (problem.check, problem.subject) == ("dicom-unusable", "pre_tumor")
    assert "this is a mask: give the mask as a NIfTI file" in str(problem)


def test_series_of_two_persons_and_of_exchanged_dates_are_not_put_together(tmp_path: Path, study: Study) -> None:
    t1ce(tmp_path / "post")
    write_series(tmp_path / "other", "T1 nativ", WHEN, STUDY, 2, patient="MRN1", **T1)
    write_series(tmp_path / "pre", "T1 +GD", "20200105 0900", "1.2.4", 2, **T1CE)
    before = study.sequences.before_surgery[0]
    given = patient(post_t1ce=tmp_path / "post", post_t1=tmp_path / "other", **{before: tmp_path / "pre"})
    found = find_series([given], study)
    assert {problem.subject: problem.what for problem in found.problems} == {
        "post_t1": "its PatientID is another than that of post_t1ce: whose it is, is not known",
        before: "a scan from before surgery, but acquired after post_t1ce: are they exchanged?",
    }
    assert [scan.column for scan in found.scans] == ["post_t1ce"]


def test_a_patient_whose_series_cannot_be_used_leaves_the_others_alone_and_has_one_problem(
    tmp_path: Path, opened: tuple[Study, tuple[Bundle, ...]]
) -> None:
    study, bundles = opened
    t1ce(tmp_path / "scans/P1/post_t1ce")
    two_series(tmp_path / "scans/P2/post_t1ce")
    for name in ("P1", "P2"):
        write_series(tmp_path / f"scans/{name}/post_t1", "T1 nativ", WHEN, STUDY, 2, **T1)
    given, out = patients_below(tmp_path / "scans", study), tmp_path / "out"
    masks = {each.patient: tmp_path / f"{each.patient}_brain.nii.gz" for each in given}
    for mask in masks.values():
        nib.save(nib.Nifti1Image(np.ones(SHAPE, np.uint8), np.eye(4)), mask)
    given = [NewPatient(each.patient, {**each.files, "brain_mask": masks[each.patient]}) for each in given]
    found = convert_scans(find_series(given, study), out)
    assert [problem.patient for problem in found.problems] == ["P2"]
    prepare_folder(tmp_path / "new", [tmp_path / "b.zip"], found.placed(given, out), study)
    study = study.model_copy(update={"cohort": str(tmp_path / "new/cohort.tsv")})
    for _ in range(2):
        # The same call again must not forget what it knows.
        check_patients(study, bundles, tmp_path / "new", 1, lambda done, total: None, known=found.problems)
        everyone = load_new_patients(study, bundles).cohort.patients.values()
        known = problems_of(study, everyone, str(tmp_path / "new/results/cohort"), "1")
        of_post = {each.patient: (each.check, each.what) for each in known if each.subject == "post_t1ce"}
        assert of_post == {"P2": ("dicom-unusable", "the folder holds 2 DICOM series")}
        assert [each.check for each in known if each.patient == "P2"] == ["dicom-unusable"]


def test_the_mask_of_a_predicted_patient_lies_beside_its_pages_and_others_have_none(
    tmp_path: Path, opened: tuple[Study, tuple[Bundle, ...]]
) -> None:
    study, bundles = opened
    out = tmp_path / "out"
    t1ce(tmp_path / "dicom")
    t1ce(tmp_path / "bare", FrameOfReferenceUID=None)
    folders = {"P1": "dicom", "P2": "dicom", "P3": "bare"}
    given = [patient(name, post_t1ce=tmp_path / folder) for name, folder in folders.items()]
    found = converted(given, study, out)
    outcomes = []
    for name, state in (("P1", "predicted"), ("P2", "failed"), ("P3", "predicted"), ("P4", "predicted")):
        mask = Path("masks", f"{name}.nii.gz")
        outcomes.append({"patient": name, "state": state, "mask": str(mask), "threshold": 0.5} | bundle_of(bundles))
        if scan := found.of(name, "post_t1ce"):
            (out / mask).parent.mkdir(exist_ok=True)
            shutil.copy(out / scan.volume, out / mask)
    for name in ("P2", "P3", "P4"):
        # Of an earlier call, whose scan was another.
        (out / "results" / "patients" / name).mkdir(parents=True)
        (out / "results" / "patients" / name / "mask.dcm").touch()
    notes = list(write_dicom_masks(outcomes, found, "post_t1ce", bundles, out))
    assert [path.relative_to(out).as_posix() for path in out.rglob("*.dcm")] == ["results/patients/P1/mask.dcm"]
    (note,) = notes
    assert note.startswith("patient P3: the DICOM series does not allow a DICOM SEG")
    # It may be laid beside its series, and is no scan of the patient.
    shutil.copy(out / "results/patients/P1/mask.dcm", tmp_path / "dicom")
    assert find_series(given[:1], study).scans == found.scans[:1]


def bundle_of(bundles: tuple[Bundle, ...]) -> dict[str, str]:
    return {"bundle": bundles[0].path}


def test_a_volume_that_cannot_be_written_is_that_patients_problem_alone(tmp_path: Path, study: Study) -> None:
    t1ce(tmp_path / "a")
    t1ce(tmp_path / "b")
    out = tmp_path / "out"
    (out / "images").mkdir(parents=True)
    (out / "images" / "P1").write_text("in the way")
    given = [patient("P1", post_t1ce=tmp_path / "a"), patient("P2", post_t1ce=tmp_path / "b")]
    found = convert_scans(find_series(given, study), out)
    assert [scan.patient for scan in found.scans] == ["P2"]
    (problem,) = found.problems
    assert problem.patient == "P1"
    assert "it could not be read and written whole (File exists)" in problem.what


def test_series_without_a_patient_are_said_and_not_taken_for_one_persons(tmp_path: Path, study: Study) -> None:
    for name in ("a", "b"):
        write_series(tmp_path / name, GD, WHEN, STUDY, 5, "", **T1CE)
    found = find_series([patient(post_t1ce=tmp_path / "a", post_t1=tmp_path / "b")], study)
    assert not found.scans
    said = "no DICOM series can be read: no identifier of patient, study or series"
    assert [problem.what for problem in found.problems] == [said, said]
