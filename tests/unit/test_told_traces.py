"""What is told of a new patient names no path, no scan's file and no other patient, whatever a message says."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from bundles import write_micro_bundle
from residua.cohort.checks.headers import check_headers
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.files import check_files, drawn_on, kinds_of
from residua.cohort.table.patient import Patient
from residua.inference.contents import contents_of
from residua.inference.page import patient_page
from residua.inference.predict import open_checked
from residua.inference.prediction import prediction_record
from residua.inference.traces import without_traces
from residua.problems.problem import Problem, failed
from residua.settings.study import Study

OUTCOME: dict[str, Any] = {"patient": "P17", "state": "refused", "excluded": None, "problems": [], "given": {}}
SECRETS = re.compile(r"doe(?!s\b)|jane|1954|neill|p18|sto004|1\.2\.840", re.IGNORECASE)
FOLDERS = (
    "/data/Doe, Jane", "/data/DOE^JANE (2)/[old]", "/d/O'Neill/Jane's scans", "/a/Doe; Jane: 1954", "/x/P18",
    "/data/Doe Jane and others", "/data/ärzte/{Doe}",
)  # fmt: skip
FILES = (
    "DOE_JANE_19540312_t1.nii.gz",
    "Jane 1.nii",
    "o'neill,1954.nii.gz",
    "19540312.NII.GZ",
    'doe "1".nii',
    "P18_t1.nii",
    "jane.nii",
)
MESSAGES = (
    "{path}: damaged", "check {name} and {name}, or copy {path}.", "no such file: {quoted}", "{folder}: no space left",
    "{folder}/other one.nii.gz is not {name}", "it is in {folder} with others, see {folder}/log of Jane.txt (damaged)",
    "[Errno 2] No such file or directory: {quoted} -> {quoted}", "({name}) differs from the mask's {path}, and/or 3/4",
    "file://{path}", "'{name}' and \"{path}\"", "drawn on ../{name}",
)  # fmt: skip


def told(problems: list[dict[str, Any]], given: dict[str, str], others: tuple[str, ...] = ("P18", "STO004")) -> str:
    """All texts of the record and of the page."""
    record = prediction_record({**OUTCOME, "problems": problems, "given": given}, others=others)
    return json.dumps(record, ensure_ascii=False) + patient_page(contents_of(record))


def no_secret(text: str, name: str = "") -> None:
    assert not SECRETS.search(text), text[:400]
    assert not name or name not in text


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", FILES)
def test_no_message_about_a_file_of_the_patient_names_it(folder: str, name: str) -> None:
    path = f"{folder}/{name}"
    texts = {"path": path, "name": name, "folder": folder, "quoted": repr(path)}
    remedy = f"copy {path} ({name})"
    problems = [
        Problem("x", "error", message.format(**texts), remedy, "P17", subject, None, path).to_json()
        for message, subject in product(MESSAGES, ("post_t1", None))
    ]
    no_secret(told(problems, {"post_t1": path}), name)
    # Of another column: the problem itself does not say which file it is.
    no_secret(told([{**problem, "file": None} for problem in problems], {"post_t1ce": path}), name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data/Doe, Jane/t1.nii.gz: damaged", "a file: damaged"),
        ("see /data/Doe Jane/log.txt", "see a file"),
        ("see /data/Doe Jane/of 2020/scans: it is full", "see a file: it is full"),
        ("x/Doe_Jane/t1.nii.gz: is damaged", "a file: is damaged"),
        ("x/Doe Jane/t1.nii.gz is damaged", "a file is damaged"),
        ("Doe_Jane/t1.nii.gz, ../Doe/scan.nii and ~/Doe/scan", "a file, a file and a file"),
        ("data/Doe_Jane/scans is empty", "a file"),
        ("[Errno 2] No such file: '/data/Doe, Jane (2)/t1.nii.gz'", "[Errno 2] No such file: a file"),
        ('[Errno 2] No such file: "/data/O\'Neill, Jane [2]/t1"', "[Errno 2] No such file: a file"),
        ("the patient's file 'Doe Jane/scans' and its header's end", "the patient's file a file and its header's end"),
        ("(log: /tmp/a/b.log)", "(log: a file)"),
        ("/tmp/a.log and/or /tmp/b.log", "a file and/or a file"),
        ("/tmp/Doe/t1.nii.gz moved 5 mm/s", "a file moved 5 mm/s"),
        ("the series 1.2.840.113619.2.55.3 has 1.25 mm", "the series a UID has 1.25 mm"),
        ("like DOE_JANE.nii.gz", "like a scan"),
    ],
)
def test_of_any_other_path_nothing_is_told(text: str, expected: str) -> None:
    assert without_traces(text, {}) == expected


@pytest.mark.parametrize(
    "text",
    ["6 of 10 mm/s and 3/4", "and/or 1.5/2.5 ml", "on 10/11/2020", "n/a", "see https://example.org/docs/scans.html",
     "the header's 3 g/kg and the file's", "rename it to end in .nii.gz", "T1w/FLAIR differ by 'half'",
     "Residua 1.0.2"],
)  # fmt: skip
def test_what_names_nothing_stays(text: str) -> None:
    assert without_traces(text, {"/data/mask.nii.gz": "brain mask"}, "P17", ["P18", "12"]) == text


def test_another_patient_is_not_named_and_the_own_is() -> None:
    text = "the same file as post_t1 of patient P18; P17 and P18 are alike, as STO004_t1 is, 12 mm apart"
    assert without_traces(text, {"/scans/P17.nii.gz": "T1w"}, "P17", ["P18", "STO004", "12"]) == (
        "the same file as post_t1 of another patient; P17 and a patient are alike, as a patient_t1 is, 12 mm apart"
    )


def test_a_problem_names_its_column_instead_of_its_file() -> None:
    file = "/data/Doe, Jane: (2)/t1 b.nii"
    for subject, name in (("post_t1", "post-operative T1w"), ("post_t1ce", "post-operative T1w-CE"), (None, "a file")):
        problem = Problem("x", "error", f"{file}: is damaged", f"copy {file}", "P17", subject, None, file).to_json()
        (record,) = prediction_record({**OUTCOME, "problems": [problem]})["problems"]
        assert record == {"check": "x", "column": subject, "what": f"{name}: is damaged", "remedy": f"copy {name}"}


def test_a_failed_registration_names_the_columns_of_its_scans() -> None:
    given = {"post_t1": "/data/DOE_JANE_t1.nii.gz", "post_t1ce": "/data/DOE_JANE_t1ce.nii.gz"}
    # As registrations word it.
    remedy = "check DOE_JANE_t1.nii.gz and DOE_JANE_t1ce.nii.gz, correct the cohort table"
    problem = failed("registration-dissimilar", "it does not resemble", remedy, "P17", "post_t1")
    text = told([problem.to_json()], given)
    no_secret(text)
    assert "check post-operative T1w and post-operative T1w-CE, correct the cohort table" in text


def test_the_reason_of_an_exclusion_names_nobody_else() -> None:
    outcome = {**OUTCOME, "state": "excluded", "excluded": "same scan as STO004, see /data/Doe, Jane/x.txt"}
    record = prediction_record(outcome, others=["STO004"])
    assert record["excluded"] == "same scan as a patient, see a file"
    no_secret(json.dumps(record) + patient_page(contents_of(record)))


def head(path: Path) -> None:
    voxels = np.zeros((24, 24, 24), np.float32)
    voxels[4:20, 4:20, 4:20] = np.arange(16 * 16 * 16).reshape(16, 16, 16) / 7
    nib.save(nib.Nifti1Image(voxels, np.diag([8.0, 8.0, 8.0, 1.0])), path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def unpacked(path: Path) -> None:
    path.write_bytes(gzip.decompress(path.read_bytes()))


def no_image(path: Path) -> None:
    path.write_text("no image")


def of_another(path: Path) -> None:
    path.unlink()
    path.symlink_to(next(path.parents[1].glob("*P18/*t1ce.nii.gz")))


def broken(path: Path) -> None:
    path.unlink()
    path.symlink_to("/data/Doe, Jane/lost.nii.gz")


def off_the_grid(path: Path) -> None:
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[5:15, 5:15, 5:15] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([9.0, 9.0, 9.0, 1.0])), path)


def of_rgb(path: Path) -> None:
    voxels = np.zeros((20, 20, 20), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)


FAULTS: tuple[tuple[str, Callable[[Path], Any]], ...] = tuple(
    ("brain_mask" if fault is off_the_grid else "post_t1", fault)
    for fault in (cut, unpacked, no_image, of_another, broken, off_the_grid, of_rgb, os.unlink)
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    bundle = tmp_path_factory.mktemp("bundle") / "b.zip"
    write_micro_bundle(bundle)
    return open_checked([bundle])[0]


@pytest.mark.parametrize(("column", "fault"), FAULTS, ids=[fault.__name__ for _, fault in FAULTS])
def test_what_the_checks_find_names_nobody_in_the_record(
    tmp_path: Path, study: Study, column: str, fault: Callable[[Path], Any]
) -> None:
    patients = []
    for name in ("P18", "P17"):
        folder = tmp_path / f"Doe, Jane's [1954] {name}"
        folder.mkdir()
        files = {each: folder / f"DOE_JANE_19540312_{each[5:]}.nii.gz" for each in ("post_t1ce", "post_t1")}
        for file in files.values():
            head(file)
        files["brain_mask"] = folder / "DOE_JANE_19540312_brain.nii.gz"
        mask = np.zeros((24, 24, 24), np.uint8)
        mask[5:19, 5:19, 5:19] = 1
        nib.save(nib.Nifti1Image(mask, np.diag([8.0, 8.0, 8.0, 1.0])), files["brain_mask"])
        patients.append(Patient(name, "NEW", "auto", "", None, {each: str(file) for each, file in files.items()}))
    fault(Path(patients[1].files[column]))
    found = [*check_files(study, patients), *check_headers(study, patients)]
    found += [Problem.from_json(each) for each in check_voxels(patients, kinds_of(study), drawn_on(study))["problems"]]
    own = [problem for problem in found if problem.patient == "P17"]
    assert any(problem.is_error for problem in own)
    no_secret(told([problem.to_json() for problem in own], dict(patients[1].files)))
