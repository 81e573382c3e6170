"""Each kind of broken file is made, reported with its problem and remedy, and not changed."""

from __future__ import annotations

import bz2
import gzip
import os
import shutil
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from cohort_tables import FILES, rows, snapshot, study, write_images, write_table
from residua.cohort.checks.headers import check_headers
from residua.cohort.table.files import check_files
from residua.cohort.table.patient import Patient
from residua.problems.problem import Problem
from whole_tables import read_patients

SHAPE = (12, 15, 12)
AFFINE = np.diag([8.0, 6.0, 8.0, 1.0])
DTYPES = nib.nifti1.header_dtype


@pytest.fixture
def patients(tmp_path: Path) -> tuple[Patient, ...]:
    """Four patients with sound files of the size of heads."""
    write_images(tmp_path, rows(), enlarged=True)
    return read_patients(write_table(tmp_path, rows()), FILES)


def saved(path: Path, shape: tuple[int, ...] = SHAPE, affine: Any = AFFINE, dtype: Any = np.int16) -> None:
    nib.save(nib.Nifti1Image(np.ones(shape, dtype), affine), path)


def header(path: Path, **fields: Any) -> None:
    """Write ``fields`` into the header, past nibabel's own checks."""
    raw = bytearray(gzip.decompress(path.read_bytes()))
    stored = np.frombuffer(bytes(raw[:348]), dtype=DTYPES).copy()
    for name, value in fields.items():
        stored[name][0] = value
    path.write_bytes(gzip.compress(stored.tobytes() + bytes(raw[348:])))


def extended(path: Path, kind: int, content: bytes) -> None:
    image = nib.load(path)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(kind, content))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)


def turned(degrees: float) -> Any:
    angle = np.deg2rad(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = AFFINE.copy()
    affine[:3, :3] = turn @ AFFINE[:3, :3]
    return affine


def sheared() -> Any:
    affine = AFFINE.copy()
    affine[0, 1] = 1.0
    return affine


def cut(path: Path, share: float) -> None:
    # Noise, so that the packed size is that of the content.
    noise = np.random.default_rng(1).integers(0, 4000, SHAPE).astype(np.int16)
    nib.save(nib.Nifti1Image(noise, AFFINE), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


def header_only(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:352]))


def beyond_the_end(path: Path) -> None:
    header(path, vox_offset=1e6)


def handedness(path: Path) -> None:
    image = nib.load(path)
    mirrored = AFFINE.copy()
    mirrored[0, 0] = -8.0
    image.set_sform(AFFINE, 1)
    image.set_qform(mirrored, 1)
    nib.save(image, path)


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "file-empty": (lambda p: p.write_bytes(b""), "the file is empty (0 bytes): copy it again from its source"),
    "file-truncated": (lambda p: cut(p, 0.5), "truncated: "),
    "file-truncated: within the header": (
        lambda p: p.write_bytes(gzip.compress(gzip.decompress(p.read_bytes())[:200])),
        "truncated: the file ends before its header does: copy it again",
    ),
    "file-header-only": (header_only, "a header without voxels: copy or convert it again from its source"),
    "file-pack-damaged": (
        lambda p: p.write_bytes(b"\x1f\x8b" + bytes(100)),
        "damaged: cannot be unpacked with gzip (",
    ),
    "file-wrong-extension": (
        lambda p: p.write_bytes(gzip.decompress(p.read_bytes())),
        "not packed, although its name says so: rename it to end in .nii, or pack it with gzip",
    ),
    "file-wrong-extension: bzip2": (
        lambda p: p.write_bytes(bz2.compress(gzip.decompress(p.read_bytes()))),
        "packed with bzip2, but the name does not end in .nii.bz2: rename it to end in .nii.bz2",
    ),
    "file-lfs-pointer": (
        lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        "a git-lfs pointer: the image itself has not been fetched: run git lfs pull in the folder of the data",
    ),
    "file-annex-pointer": (
        lambda p: p.write_text("/annex/objects/MD5E-s1--0.nii.gz\n"),
        "a git-annex pointer: the image itself has not been fetched: run git annex get (or datalad get)",
    ),
    "file-dicom": (
        lambda p: p.write_bytes(bytes(128) + b"DICM" + bytes(300)),
        "a DICOM file instead of NIfTI: convert its whole series to .nii.gz, as dcm2niix does",
    ),
    "file-other-format": (lambda p: p.write_bytes(b"NRRD0005\n" + bytes(400)), "NRRD instead of NIfTI: convert it"),
    "file-other-format: a picture": (
        lambda p: p.write_bytes(b"\x89PNG\r\n" + bytes(400)),
        "a PNG picture instead of NIfTI: convert it",
    ),
    "file-other-format: a pair": (
        lambda p: header(p, magic=b"ni1"),
        "the header of a NIfTI pair (.hdr and .img) instead of a single file: convert it to .nii.gz",
    ),
    "file-web-page": (
        lambda p: p.write_text("<!DOCTYPE html><title>Sign in</title>" + " " * 400),
        "a web page, XML or JSON instead of NIfTI, as a failed download leaves: download it again",
    ),
    "file-not-nifti": (lambda p: p.write_bytes(b"\x07" * 500), "not NIfTI: it does not begin with the header of such"),
    "file-too-large": (
        lambda p: header(p, dim=[3, 30000, 30000, 30000, 1, 1, 1, 1]),
        "2.01e+05 GiB in memory (shape (30000, 30000, 30000)), more than the 8 allowed: correct the header if it is",
    ),
    "header-dims": (lambda p: header(p, dim=[3, 12, 0, 12, 1, 1, 1, 1]), "impossible shape (12, 0, 12): convert"),
    "header-dims: a negative one": (
        lambda p: header(p, dim=[3, 12, -15, 12, 1, 1, 1, 1]),
        "impossible shape (12, -15, 12): convert",
    ),
    "header-dims: none": (lambda p: header(p, dim=[0] * 8), "0 dimensions instead of 3: convert the series"),
    "header-offset": (beyond_the_end, "the voxels would begin at byte 1000000, but the file ends at byte "),
    "image-4d": (lambda p: saved(p, (*SHAPE, 3)), "not one 3D volume: shape (12, 15, 12, 3): give the single volume"),
    "image-4d-single": (
        lambda p: header(p, dim=[4, 12, 15, 12, 1, 1, 1, 1]),
        "not one 3D volume: shape (12, 15, 12, 1), which is a single volume with further axes of length 1: "
        "save it without them",
    ),
    "image-not-3d": (lambda p: saved(p, (12, 15)), "not one 3D volume: shape (12, 15): give the whole volume"),
    "voxel-type": (
        lambda p: saved(p, dtype=np.complex64),
        "voxels of type complex64 instead of one real number each: give the image in shades of grey",
    ),
    "voxel-type: colours": (
        lambda p: nib.save(nib.Nifti1Image(np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")]), AFFINE), p),
        "voxels of type RGB instead of one real number each",
    ),
    "spacing-not-positive": (
        lambda p: header(p, pixdim=[1, 8, 0, 8, 0, 0, 0, 0]),
        "spacing (8.0, 0.0, 8.0) mm is not positive: convert the series to NIfTI again, or set role to exclude",
    ),
    "spacing-not-positive: no number": (
        lambda p: header(p, pixdim=[1, 8, np.nan, 8, 0, 0, 0, 0]),
        "spacing (8.0, nan, 8.0) mm is not positive",
    ),
    "affine-not-finite": (lambda p: header(p, srow_x=[np.inf, 0, 0, 0]), "the affine has values that are not finite"),
    "affine-degenerate": (lambda p: header(p, srow_z=[0, 0, 0, 5]), "the affine is degenerate: it maps the volume"),
    "scale-not-finite": (
        lambda p: header(p, scl_slope=1, scl_inter=np.nan),
        "the offset of the values, scl_inter, is nan",
    ),
    "identity-in-extension": (
        lambda p: extended(p, 2, struct.pack("<HH2sH", 0x10, 0x10, b"PN", 8) + b"DOE^JANE"),
        "the header's DICOM extension holds a patient's name, number or date of birth: remove the extension",
    ),
}


def changed_spacing(path: Path) -> None:
    header(path, pixdim=[1, 7, 6, 8, 0, 0, 0, 0], qform_code=0)


DOUBTFUL: dict[str, tuple[Callable[[Path], object], str]] = {
    "affine-oblique": (
        lambda p: saved(p, affine=turned(40)),
        "oblique: an axis is 40° away from every axis of the body",
    ),
    "affine-sheared": (lambda p: saved(p, affine=sheared()), "sheared: two axes are 80.5° apart instead of 90°"),
    "orientation-missing": (
        lambda p: header(p, sform_code=0, qform_code=0),
        "the header gives no orientation, so left",
    ),
    "sform-qform-disagree": (
        lambda p: header(p, srow_x=[8, 0, 0, 9], qform_code=1),
        "sform and qform disagree, and programs differ in which one they use: make them equal",
    ),
    "handedness-disagrees": (handedness, "sform and qform disagree on left and right, and programs differ"),
    "spacing-disagrees": (changed_spacing, "spacing 7x6x8 mm in pixdim, but 8x6x8 mm in the affine, which is used"),
    "spacing-implausible": (
        lambda p: saved(p, affine=np.diag([8.0, 6.0, 15.0, 1.0])),
        "spacing 8x6x15 mm, outside 0.1 to 10 mm: compare it with the scan's",
    ),
    "field-of-view-small": (
        lambda p: saved(p, affine=np.diag([2.0, 2.0, 2.0, 1.0])),
        "a field of view of 24x30x24 mm, too small for a head: give the whole scan",
    ),
    "field-of-view-large": (
        lambda p: saved(p, (80, 15, 12)),
        "a field of view of 640x90x96 mm, larger than a scanner's: compare the spacing with the scan's",
    ),
    "slices-few": (lambda p: saved(p, (12, 15, 9), np.diag([8.0, 6.0, 10.0, 1.0])), "only 9 slices: check whether"),
    "units-not-mm": (lambda p: header(p, xyzt_units=1), "the header says metres; the spacing 8x6x8 is read as mm"),
    "slope-not-finite": (lambda p: header(p, scl_slope=np.inf), "the factor of the values, scl_slope, is not finite"),
    "identity-in-header": (
        lambda p: header(p, descrip=b"DOE^JANE"),
        "the header's field descrip may hold a person's name as DICOM writes it: check whether it identifies",
    ),
    "identity-in-header: a date": (
        lambda p: header(p, aux_file=b"born 1961-02-28"),
        "the header's field aux_file may hold a date: check whether it identifies anyone",
    ),
    "header-extension": (
        lambda p: extended(p, 6, b"smoothed"),
        "the header has an extension of kind comment, which may identify a person: check what it holds",
    ),
}


def the_problem(patients: tuple[Patient, ...], folder: Path, damage: Callable[[Path], object]) -> Problem:
    """The only problem after ``damage`` was done to one image; looking at it changes nothing."""
    damage(Path(patients[1].files["post_t1"]))
    before = snapshot(folder)
    (problem,) = check_headers(study(), patients)
    assert snapshot(folder) == before
    return problem


@pytest.mark.parametrize("kind", [*BROKEN, *DOUBTFUL])
def test_a_broken_file_is_reported_by_its_check(tmp_path: Path, patients: tuple[Patient, ...], kind: str) -> None:
    damage, said = {**BROKEN, **DOUBTFUL}[kind]
    problem = the_problem(patients, tmp_path, damage)
    path = tmp_path / "images/GOT1_post_t1.nii.gz"
    assert str(problem).startswith(f"row 3 (patient GOT1), column post_t1, {path}: {said}")
    assert problem.remedy
    assert problem.check == kind.partition(":")[0]
    assert problem.severity == ("error" if kind in BROKEN else "warning")
    # What an image says of a person is not told again.
    assert "JANE" not in str(problem)
    assert "1961" not in str(problem)


def test_sound_files_have_no_problem(patients: tuple[Patient, ...]) -> None:
    assert check_headers(study(), patients) == []


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "PIR"])
def test_every_stored_orientation_is_sound(patients: tuple[Patient, ...], codes: str) -> None:
    for column in ("post_t1ce", "residual"):
        path = Path(patients[0].files[column])
        image = nib.load(path)
        nib.save(image.as_reoriented(nib.orientations.axcodes2ornt(codes)), path)
    assert check_headers(study(), patients) == []


def test_nifti_2_and_plain_nii_are_read(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    plain = tmp_path / "images/plain.nii"
    nib.save(nib.Nifti2Image(np.ones(SHAPE, np.int16), AFFINE), plain)
    files = {**patients[0].files, "post_t1": str(plain)}
    assert check_headers(study(), [Patient("STO1", "STO", "auto", "", 2, files)]) == []
    plain.write_bytes(plain.read_bytes()[:-100])
    (problem,) = check_headers(study(), [Patient("STO1", "STO", "auto", "", 2, files)])
    assert problem.check == "file-truncated"
    assert problem.what == "truncated: 4220 of the 4320 bytes of voxels are there"


def test_a_name_in_mixed_letter_case_is_read(patients: tuple[Patient, ...]) -> None:
    path = Path(patients[0].files["post_t1"])
    assert check_headers(study(), with_file(patients, "post_t1", path.rename(path.with_name("a.Nii.Gz")))) == []


def test_an_unreadable_file_is_reported(patients: tuple[Patient, ...]) -> None:
    # Refuses to be read by anybody, root included.
    (problem,) = check_headers(study(), with_file(patients, "post_t1", Path("/proc/self/mem")))
    assert problem.check == "file-unreadable"
    assert problem.what.startswith("cannot be read (")
    assert problem.remedy.startswith("change its permissions")


def test_a_label_on_another_sequences_grid_names_it(tmp_path: Path, patients: tuple[Patient, ...]) -> None:
    other = AFFINE.copy()
    other[0, 3] = 40.0
    for column in ("post_flair", "residual"):
        saved(Path(patients[1].files[column]), affine=other)
    (problem,) = check_headers(study(), patients)
    assert (problem.check, problem.subject) == ("label-of-other-sequence", "residual")
    assert problem.what == "drawn on the grid of post_flair, not on that of post_t1ce"


def test_swapped_sessions_are_one_error_and_not_two_labels_off_their_grids(patients: tuple[Patient, ...]) -> None:
    other = AFFINE.copy()
    other[0, 3] = 40.0
    # The labels follow the scans before and after surgery, which have changed columns.
    for column in ("post_t1ce", "pre_tumor"):
        saved(Path(patients[1].files[column]), affine=other)
    (problem,) = check_headers(study(), patients)
    assert (problem.check, problem.patient) == ("sessions-swapped", "GOT1")
    assert (problem.subject, problem.what) == (
        "post_t1ce",
        "residual lies on the grid of pre_t1ce, and pre_tumor on that of post_t1ce: the scans are swapped",
    )


def with_file(patients: tuple[Patient, ...], column: str, path: Path) -> tuple[Patient, ...]:
    """The second patient with another file in a column."""
    changed = replace(patients[1], files={**patients[1].files, column: str(path)})
    return (patients[0], changed, *patients[2:])


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_one_file_in_two_columns_is_reported_through_links(
    tmp_path: Path, patients: tuple[Patient, ...], link: Callable[[str, Path], None]
) -> None:
    linked = tmp_path / "images/linked.nii.gz"
    link(patients[1].files["post_t1ce"], linked)
    (problem,) = check_headers(study(), with_file(patients, "post_t1", linked))
    assert (problem.check, problem.subject, problem.what) == (
        "file-in-two-columns",
        "post_t1",
        "the same file as post_t1ce",
    )


def test_one_file_under_two_patients_is_reported(patients: tuple[Patient, ...]) -> None:
    (problem,) = check_headers(study(), with_file(patients, "post_t1", Path(patients[0].files["post_t1"])))
    assert (problem.check, problem.patient) == ("file-of-two-patients", "GOT1")
    assert problem.what == "the same file as post_t1 of patient STO1"


@pytest.mark.parametrize(("person", "column", "allowed"), [
    ("STO1", "pre_t1ce", True), ("STO1", "pre_tumor", True), ("", "pre_t1ce", False), ("STO1", "post_t1", False),
    ("STO1", "residual", False),
])  # fmt: skip
def test_scans_of_one_person_may_have_one_scan_before_surgery_and_no_other_file_in_common(
    patients: tuple[Patient, ...], person: str, column: str, allowed: bool
) -> None:
    second = replace(patients[1], person=person, files={**patients[1].files, column: patients[0].files[column]})
    problems = check_headers(study(), (patients[0], second, *patients[2:]))
    assert ("file-of-two-patients" in [problem.check for problem in problems]) is not allowed


@pytest.mark.parametrize(
    ("name", "column", "check"),
    [
        ("preop_t1.nii.gz", "post_t1", "session-in-name"),
        ("t1_POST-OP.nii.gz", "pre_t1ce", "session-in-name"),
        ("preprocessed_t1.nii.gz", "post_t1", ""),
        # Before and after the contrast agent.
        ("t1_pre.nii.gz", "post_t1", ""),
        ("t1_post.nii.gz", "pre_t1ce", ""),
        ("post_t1.nii.gz", "post_t1", ""),
        ("mrn_77.nii.gz", "post_t1", "identity-in-name"),
        ("19610228.nii.gz", "post_t1", "identity-in-name"),
        ("DOE^JANE.nii.gz", "post_t1", "identity-in-name"),
    ],
)
def test_the_name_of_a_file_is_checked(
    tmp_path: Path, patients: tuple[Patient, ...], name: str, column: str, check: str
) -> None:
    named = tmp_path / "images" / name
    shutil.copy(patients[1].files[column], named)
    found = check_headers(study(), with_file(patients, column, named))
    assert [problem.check for problem in found] == ([check] if check else [])
    assert all(problem.severity == "warning" for problem in found)
    if check == "identity-in-name":
        (problem,) = found
        assert str(problem).startswith("row 3 (patient GOT1), column post_t1: the file's name may hold ")
        assert name.partition(".")[0] not in str(problem.to_json())


@pytest.mark.parametrize(
    ("target", "check", "said"),
    [
        (
            "../.git/annex/objects/Zz/1M/MD5E-s1--0.nii.gz/MD5E-s1--0.nii.gz",
            "file-annex-pointer",
            "a git-annex link: the image itself has not been fetched: "
            "run git annex get (or datalad get) in the folder of the data",
        ),
        (
            "elsewhere.nii.gz",
            "file-broken-link",
            "a link to a file that does not exist: restore that file, or give the path of another",
        ),
    ],
)
def test_a_broken_link_is_reported_as_such(patients: tuple[Patient, ...], target: str, check: str, said: str) -> None:
    path = Path(patients[1].files["post_t1"])
    path.unlink()
    path.symlink_to(target)
    (problem,) = check_files(study(), patients)
    assert problem.check == check
    assert str(problem) == f"row 3 (patient GOT1), column post_t1, {path}: {said}"
    assert os.readlink(path) == target


@pytest.mark.parametrize("fields", [{"qform_code": 99}, {"sform_code": 77}])
def test_messages_of_nibabel_about_repairs_are_not_printed(
    patients: tuple[Patient, ...], caplog: pytest.LogCaptureFixture, fields: dict[str, Any]
) -> None:
    path = Path(patients[1].files["post_t1"])
    header(path, **fields)
    nib.load(path)
    assert caplog.records
    caplog.clear()
    check_headers(study(), patients)
    assert caplog.records == []
