"""What the checks warn of in the files of new patients: said, kept in the list, told in record and page."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from bundles import write_micro_bundle
from residua.cohort.checks.voxels import check_voxels
from residua.cohort.table.files import drawn_on, kinds_of
from residua.cohort.table.patient import Patient
from residua.inference.bundles import Bundle
from residua.inference.contents import contents_of
from residua.inference.folder import prepare_folder
from residua.inference.input_warnings import notes_of, warnings_by_patient
from residua.inference.new_patients import load_new_patients
from residua.inference.outcomes import outcomes
from residua.inference.page import patient_page
from residua.inference.predict import check_patients, open_checked
from residua.inference.prediction import TRACES_OF_IDENTITY, prediction_record
from residua.inference.request import NewPatient
from residua.problems.catalogue import CATALOGUE
from residua.problems.problem import Problem
from residua.problems.severity import problem_of
from residua.publishing.publish import write_json
from residua.settings.study import Study

SHAPE = (24, 24, 24)
GUESS = "left and right are a guess"


def scan(path: Path, seed: int, stripped: bool = False) -> nib.Nifti1Image:
    """A head, or a brain alone, of so many voxels."""
    distance = np.linalg.norm(np.indices(SHAPE) - 11.5, axis=0)
    voxels = np.random.default_rng(seed).normal(100, 10, SHAPE) * (distance < (7 if stripped else 11))
    voxels += 0 if stripped else np.abs(np.random.default_rng(seed + 1).normal(3, 1, SHAPE))
    image = nib.Nifti1Image(voxels.astype(np.float32), np.diag([-8.0, 8.0, 8.0, 1.0]))
    path.parent.mkdir(exist_ok=True)
    nib.save(image, path)
    return image


def without_orientation(path: Path) -> None:
    image = nib.load(path)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    nib.save(image, path)


@pytest.fixture
def opened(tmp_path: Path) -> tuple[Study, tuple[Bundle, ...]]:
    """The settings of a bundle, whose study masked brains by deepbet."""
    write_micro_bundle(tmp_path / "b.zip")
    study, bundles = open_checked([tmp_path / "b.zip"])
    mask = study.brain_mask.model_copy(update={"method": "deepbet"})
    return study.model_copy(update={"brain_mask": mask, "cohort": str(tmp_path / "out/cohort.tsv")}), bundles


@pytest.fixture
def given(tmp_path: Path) -> list[NewPatient]:
    """P1 is sound; the scans of P2 have no orientation, the T1w-CE is stripped, and a header holds a date."""
    patients = []
    for number, name in enumerate(("P1", "P2")):
        folder = tmp_path / f"Doe_{name}"
        files = {column: folder / f"JANE_{column}.nii.gz" for column in ("post_t1ce", "post_t1")}
        for index, (column, file) in enumerate(files.items()):
            scan(file, 10 * number + index, stripped=name == "P2" and column == "post_t1ce")
        if name == "P2":
            dated = nib.load(files["post_t1"])
            dated.header["descrip"] = b"born 1954-03-12"
            nib.save(dated, files["post_t1"])
            for file in files.values():
                without_orientation(file)
        patients.append(NewPatient(name, files))
    return patients


def checked(opened: tuple[Study, tuple[Bundle, ...]], given: list[NewPatient], out: Path) -> list[Problem]:
    study, bundles = opened
    prepare_folder(out, [out.parent / "b.zip"], given, study)
    return check_patients(study, bundles, out, 1, lambda done, total: None)


def test_the_checks_of_a_call_give_the_warnings(
    tmp_path: Path, opened: tuple[Study, tuple[Bundle, ...]], given: list[NewPatient]
) -> None:
    found = checked(opened, given, tmp_path / "out")
    assert {problem.patient for problem in found if problem.check == "orientation-missing"} == {"P2"}
    columns = {problem.subject for problem in found if GUESS in problem.what}
    assert columns == {"post_t1ce", "post_t1"}
    (stripped,) = (problem for problem in found if problem.check == "scans-stripped")
    assert (stripped.patient, stripped.subject) == ("P2", "post_t1ce")
    assert "deepbet is made for whole heads: it may cut off tumour" in stripped.what


def listed(opened: tuple[Study, tuple[Bundle, ...]], given: list[NewPatient], out: Path) -> list[dict[str, Any]]:
    """The list of the patients as the workflow makes it, of what its jobs found; nobody is predicted."""
    study, bundles = opened
    prepare_folder(out, [out.parent / "b.zip"], given, study)
    members = [Patient(**{**asdict(each), "row": None}) for each in _everyone(study, bundles)]
    write_json(out / "checks.json", check_voxels(members, kinds_of(study), drawn_on(study)))
    warnings = warnings_by_patient(study, members, [str(out / "checks.json")])
    planned = [
        {"patient": each.patient, "given": dict(each.files), "problems": [], "excluded": None, "arch": "nnunet",
         "inputs": "A"}
        for each in members
    ]  # fmt: skip
    return outcomes(planned, {}, [], warnings)


def _everyone(study: Study, bundles: tuple[Bundle, ...]) -> list[Patient]:
    return list(load_new_patients(study, bundles).cohort.patients.values())


def test_the_list_record_and_page_of_a_patient_tell_the_warnings_and_name_no_file(
    tmp_path: Path, opened: tuple[Study, tuple[Bundle, ...]], given: list[NewPatient]
) -> None:
    said = checked(opened, given, tmp_path / "out")
    first, second = listed(opened, given, tmp_path / "out")
    # What a call says before the workflow starts is what the workflow's own jobs find.
    assert [*first["warnings"], *second["warnings"]] == [problem.to_json() for problem in said]
    record = prediction_record(second, others=["P1"])
    by_check = {warning["check"]: warning for warning in record["warnings"]}
    assert {warning["kind"] for warning in record["warnings"]} == {"check"}
    guess = by_check["orientation-missing"]
    # Once for all scans of which it holds, and in the table's words.
    assert guess["columns"] == ["post_t1ce", "post_t1"]
    assert guess["what"].startswith("post-operative T1w-CE and post-operative T1w: ")
    assert "scans-stripped" in by_check
    page = patient_page(contents_of(record))
    for words in (GUESS, "may cut off tumour", "give the whole head", 'id="warnings"'):
        assert words in page.replace("\N{NO-BREAK SPACE}", " "), words
    text = json.dumps(record) + page
    for name in ("Doe", "JANE", "1954", "/out", "identity-in-header"):
        assert name not in text
    assert not [each for each in prediction_record(first)["warnings"] if each["check"] == "orientation-missing"]


def test_traces_of_identity_concern_no_reader_of_a_page() -> None:
    assert all(check.startswith(TRACES_OF_IDENTITY) for check in CATALOGUE["Traces of identity"])
    others = [check for group, checks in CATALOGUE.items() if group != "Traces of identity" for check in checks]
    assert not [check for check in others if check.startswith(TRACES_OF_IDENTITY)]


def test_a_list_of_an_earlier_version_holds_no_warnings_and_is_read() -> None:
    outcome = {"patient": "P1", "state": "refused", "excluded": None, "problems": [], "given": {}}
    assert prediction_record(outcome)["warnings"] == []


def test_of_many_warnings_the_first_are_said_and_where_the_others_are() -> None:
    problem = problem_of("orientation-missing", GUESS, "look", "P1", "post_t1", file="/data/t1.nii.gz")
    assert notes_of([problem], "list") == [f"warning: patient P1, post_t1, /data/t1.nii.gz: {GUESS}: look"]
    notes = notes_of([problem] * 23, "out/results/patients.json")
    assert len(notes) == 21
    assert notes[-1] == "3 more warnings of the scans: out/results/patients.json will hold them"
