"""What ``residua predict`` takes and refuses before the workflow starts, and how it tells how far the workflow is."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from bundles import write_micro_bundle
from cohort_tables import row, snapshot, write_images
from residua.cli import app
from residua.cluster.workflow import reasons
from residua.cohort.checks.results import invalid_patients
from residua.cohort.commands.standing import problems_of
from residua.errors import ResiduaError
from residua.inference import predict as predicting
from residua.inference import workflow
from residua.inference.folder import prepare_folder
from residua.inference.following import Following
from residua.inference.new_patients import load_new_patients
from residua.inference.predict import check_patients, open_checked
from residua.inference.request import NewPatient, patients_below, patients_of_table, require_known
from residua.inference.wording import in_words
from residua.problems.severity import problem_of
from residua.settings.application import load_application
from residua.settings.study import Study


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_micro_bundle(tmp_path / "b.zip")
    return tmp_path / "b.zip"


@pytest.fixture
def study(bundle: Path) -> Study:
    return open_checked([bundle])[0]


def command(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["predict", *map(str, arguments)])


def patient(name: str = "P1", **files: str) -> NewPatient:
    given = files or {"post_t1ce": "a.nii.gz", "post_t1": "b.nii.gz", "brain_mask": "m.nii.gz"}
    return NewPatient(name, {column: Path(file) for column, file in given.items()})


@pytest.mark.parametrize(
    "arguments",
    [
        "--out o",
        "--bundle b.zip --post-t1ce a.nii",
        "--bundle b.zip --out o",
        "--bundle b.zip --out o --post-t1ce a.nii --cohort new.tsv",
        "--bundle b.zip --out o --folder f --cohort new.tsv",
        "--bundle b.zip --out o --image post_t1ce",
        "--bundle b.zip --out o --post-t1ce a.nii --cores 0",
    ],
)
def test_options_that_make_no_sense_are_wrong_usage(arguments: str) -> None:
    assert command(*arguments.split()).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--post-t1 a.nii --image post_t1=b.nii", "--image post_t1=b.nii: the file of post_t1 is a.nii already"),
        ("--image brain_mask=a.nii --image brain_mask=b.nii", "the file of brain_mask is a.nii already; give it once"),
        ("--pre-tumor a.nii --image pre_tumor=a.nii", "the file of pre_tumor is a.nii already; give it once"),
        ("--post-t1ce a.nii --post-t1ce b.nii", "--post-t1ce is given 2 times; give it once"),
    ],
)
def test_two_files_of_one_column_are_wrong_usage(arguments: str, said: str) -> None:
    ran = command("--bundle", "b.zip", "--out", "o", *arguments.split())
    assert ran.exit_code == 2
    assert said in " ".join(ran.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--post-t1ce a.nii --patient ../../x", "column patient: '../../x' is not an identifier"),
        ("--post-t1ce a.nii --patient con", "cannot be the name of a file on Windows"),
        ("--image t2=a.nii", "the bundles know no t2, but post_t1ce, post_t1,"),
        ("--cohort none.tsv", "none.tsv: no such table"),
        ("--folder none", "none: no such folder"),
    ],
)
def test_what_cannot_be_carried_out_is_one_message_and_leaves_nothing_behind(
    tmp_path: Path, bundle: Path, arguments: str, said: str
) -> None:
    ran = command("--bundle", bundle, "--out", tmp_path / "out", *arguments.split())
    assert ran.exit_code == 1
    assert said in ran.output
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_bundle_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("no zip")
    ran = command("--bundle", tmp_path / "b.zip", "--out", tmp_path / "out", "--post-t1ce", "a.nii")
    assert ran.exit_code == 1
    assert "b.zip" in ran.output
    assert not (tmp_path / "out").exists()


def test_names_are_safe_and_stand_once(study: Study) -> None:
    for unsafe in ("../../x", "a/b", "", "ä", "P 1"):
        with pytest.raises(ResiduaError, match="cannot be named so"):
            require_known([patient(unsafe)], study)
    with pytest.raises(ResiduaError, match="patient P1 is given twice"):
        require_known([patient(), patient()], study)


def test_a_folder_holds_a_sub_folder_per_patient_and_files_called_as_columns(tmp_path: Path, study: Study) -> None:
    scans = tmp_path / "scans"
    for name in ("P1/post_t1ce.nii.gz", "P1/notes.txt", "P2/post_t1ce.nii", "P2/POST_T1.NII.GZ", ".git/config"):
        (scans / name).parent.mkdir(parents=True, exist_ok=True)
        (scans / name).touch()
    found = {each.patient: dict(each.files) for each in patients_below(scans, study)}
    assert found == {
        "P1": {"post_t1ce": scans / "P1/post_t1ce.nii.gz"},
        "P2": {"post_t1ce": scans / "P2/post_t1ce.nii", "post_t1": scans / "P2/POST_T1.NII.GZ"},
    }
    (scans / "P2/post_t1ce.nii.gz").touch()
    with pytest.raises(ResiduaError, match=r"P2: holds both post_t1ce\.nii and post_t1ce\.nii\.gz"):
        patients_below(scans, study)
    (scans / "P_3").mkdir()
    with pytest.raises(ResiduaError, match="'P_3' is not an identifier"):
        patients_below(scans, study)
    with pytest.raises(ResiduaError, match="holds no sub-folder; expected one per patient"):
        patients_below(scans / "P1", study)


@pytest.mark.parametrize(
    ("bundle", "out", "told"), [("{x}/b.zip", "out", "/{x}/b.zip' holds"), ("b.zip", "{out}", "{out}: holds")]
)
def test_paths_with_braces_are_refused_before_anything_is_written(
    tmp_path: Path, bundle: str, out: str, told: str
) -> None:
    (tmp_path / bundle).parent.mkdir(exist_ok=True)
    write_micro_bundle(tmp_path / bundle)
    study, _ = open_checked([tmp_path / bundle])
    given = [NewPatient("P1", {"post_t1ce": tmp_path / "a.nii.gz"})]
    with pytest.raises(ResiduaError, match=f"{re.escape(told)} {{ or }}, which the workflow takes for a placeholder"):
        prepare_folder(tmp_path / out, [tmp_path / bundle], given, study)
    assert not (tmp_path / out).exists()


def test_a_link_that_leads_to_nothing_is_a_file_that_was_given(tmp_path: Path, bundle: Path) -> None:
    study, bundles = open_checked([bundle])
    folder = tmp_path / "scans/P1"
    folder.mkdir(parents=True)
    for name, target in (
        ("post_t1ce", "no folder of a series"), ("post_t1.nii.gz", ".git/annex/objects/x"), ("pre_t1ce.nii", "nothing"),
    ):  # fmt: skip
        os.symlink(target, folder / name)
    (folder / "brain_mask.nii.gz").touch()
    os.symlink("../.git/annex/objects/notes.tsv", tmp_path / "scans/notes.tsv")
    given = patients_below(tmp_path / "scans", study)
    prepare_folder(tmp_path / "out", [bundle], given, study)
    shared = study.model_copy(update={"cohort": str(tmp_path / "out/cohort.tsv")})
    everyone = load_new_patients(shared, bundles).cohort.patients.values()
    told = {each.subject: each.check for each in problems_of(shared, everyone, str(tmp_path / "out"), "1")}
    broken = {"post_t1ce": "file-broken-link", "post_t1": "file-annex-pointer", "pre_t1ce": "file-broken-link"}
    assert {column: check for column, check in told.items() if column in broken} == broken


def test_the_lost_folder_of_a_patient_is_said_and_no_patient_vanishes(tmp_path: Path, study: Study) -> None:
    (tmp_path / "scans/P1").mkdir(parents=True)
    os.symlink("nothing", tmp_path / "scans/P2")
    with pytest.raises(ResiduaError, match=r"scans/P2: a link that leads to nothing.*; restore the folder"):
        patients_below(tmp_path / "scans", study)


def test_the_table_of_a_call_gets_absolute_paths_and_keeps_what_it_says(tmp_path: Path, bundle: Path) -> None:
    study, bundles = open_checked([bundle])
    table = tmp_path / "new.tsv"
    table.write_text("patient\thospital\tage\tpost_t1ce\tpost_t1\tbrain_mask\nP1\tAMS\t61\ta.nii\tb.nii\tm.nii\n")
    prepare_folder(tmp_path / "out", [bundle], patients_of_table(table, study), study)
    config = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
    assert config == {"bundles": [str(bundle)], "cohort": "cohort.tsv"}
    shared = study.model_copy(update={"cohort": str(tmp_path / "out/cohort.tsv")})
    read = load_new_patients(shared, bundles).cohort.patients["P1"]
    assert read.files == {
        c: f"{tmp_path}/{f}.nii" for c, f in (("post_t1ce", "a"), ("post_t1", "b"), ("brain_mask", "m"))
    }
    assert (read.hospital, read.clinical["age"]) == ("AMS", "61")


@pytest.mark.parametrize("device", ["cuda", "cpu", "auto"])
@pytest.mark.parametrize("called", ["predict", "validate"])
def test_the_device_of_a_call_is_that_of_its_jobs_and_a_call_without_one_takes_it_back(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch, called: str, device: str
) -> None:
    def stop(*arguments: object) -> None:
        raise ResiduaError("as far as this test goes")

    monkeypatch.setattr(predicting, "check_patients", stop)
    table = tmp_path / "new.tsv"
    table.write_text(
        "patient\thospital\tpost_t1ce\tpost_t1\tbrain_mask\tresidual\nP1\tAMS\ta.nii\tb.nii\tm.nii\tr.nii\n"
    )
    arguments = [called, "--bundle", bundle, "--cohort", table, "--out", tmp_path / "out"]
    for more, used in ((["--device", device], device), ([], "auto")):
        ran = CliRunner().invoke(app, [str(argument) for argument in (*arguments, *more)])
        assert "as far as this test goes" in ran.output
        content = yaml.safe_load((tmp_path / "out/config.yaml").read_text())
        assert load_application(content).machine.device == used
        assert ("machine" in content) == (used != "auto")


def prepared(tmp_path: Path, bundle: Path, *patients: NewPatient) -> list[str]:
    return prepare_folder(tmp_path / "out", [bundle], patients, open_checked([bundle])[0])


def test_a_second_call_continues_adds_patients_and_says_whose_files_are_others(tmp_path: Path, bundle: Path) -> None:
    assert prepared(tmp_path, bundle, patient("P1"), patient("P2")) == []
    before = snapshot(tmp_path / "out")
    assert prepared(tmp_path, bundle, patient("P1"), patient("P2")) == []
    assert snapshot(tmp_path / "out") == before
    notes = prepared(tmp_path, bundle, patient("P0"), patient("P1"), patient("P2", post_t1ce="other.nii"))
    assert notes == ["patient P2: other files than in the last call; the results are made again"]


def test_a_second_call_neither_drops_a_patient_nor_mixes_models(tmp_path: Path, bundle: Path) -> None:
    prepared(tmp_path, bundle, patient("P1"), patient("P2"))
    before = snapshot(tmp_path / "out")
    with pytest.raises(ResiduaError, match=r"holds results of 1 patient\(s\) whom this call does not name \(P2\)"):
        prepared(tmp_path, bundle, patient("P1"), patient("P3"))
    other = tmp_path / "other.zip"
    write_micro_bundle(other)
    with pytest.raises(ResiduaError, match="holds results of other bundles"):
        prepared(tmp_path, other, patient("P1"), patient("P2"))
    assert snapshot(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"config.yaml": "version: 1\n"}, "holds a study"),
        ({"results/tables/table1.csv": ""}, "holds a study"),
        ({"thesis.txt": "text"}, "is not empty"),
    ],
)
def test_a_folder_of_something_else_is_refused_and_left_as_it_is(
    tmp_path: Path, bundle: Path, content: dict[str, str], said: str
) -> None:
    for name, text in content.items():
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text(text)
    before = snapshot(tmp_path / "out")
    with pytest.raises(ResiduaError, match=f"{said}.*name a new folder"):
        prepared(tmp_path, bundle, patient())
    assert snapshot(tmp_path / "out") == before


def test_two_calls_do_not_work_in_one_folder(tmp_path: Path) -> None:
    with open(tmp_path / ".residua-predict.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ResiduaError, match="another call of residua predict is at work there"):
            workflow.run_workflow(tmp_path, 1)


def test_a_folder_without_locks_is_not_taken_for_one_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with workflow._alone(tmp_path):
        pass


def with_shape(path: Path, *shape: int) -> None:
    """Change the shape in the header of an uncompressed NIfTI, and nothing else."""
    content = bytearray(path.read_bytes())
    content[40:56] = struct.pack("<8h", 3, *shape, 1, 1, 1, 1)
    path.write_bytes(content)


def test_the_checks_of_a_study_refuse_each_unusable_patient_before_the_workflow_starts(
    tmp_path: Path, bundle: Path
) -> None:
    records = [
        {**row(name, "AMS"), "brain_mask": f"images/{name}_residual.nii.gz"} for name in ("P1", "P2", "P3", "P4")
    ]
    for record in records:
        record.update({c: f.removesuffix(".gz") for c, f in record.items() if c.startswith("post_")})
    write_images(tmp_path, records, enlarged=True)
    by_name = {r["patient"]: {c: str(tmp_path / f) for c, f in r.items() if "images/" in f} for r in records}
    # No machine has the memory for a billion voxels of 64 bits, and nothing may try to take it.
    with_shape(Path(by_name["P2"]["post_t1ce"]), 32767, 32767, 32767)
    by_name["P3"]["post_t1"] = str(shutil.copy(by_name["P3"]["pre_tumor"], tmp_path / "label.nii.gz"))
    by_name["P4"]["post_t1"] = str(tmp_path / "nothing.nii")
    study, bundles = open_checked([bundle])
    wanted = ("post_t1ce", "post_t1", "brain_mask")
    new = [NewPatient(name, {c: Path(files[c]) for c in wanted}) for name, files in by_name.items()]
    out = tmp_path / "out"
    prepare_folder(out, [bundle], new, study)
    study = study.model_copy(update={"cohort": str(out / "cohort.tsv")})
    tracemalloc.start()
    check_patients(study, bundles, out, 1, lambda done, total: None)
    assert tracemalloc.get_traced_memory()[1] < 200e6
    tracemalloc.stop()
    # The same call again must not forget what it knows.
    check_patients(study, bundles, out, 1, lambda done, total: None)
    everyone = load_new_patients(study, bundles).cohort.patients.values()
    found = invalid_patients(problems_of(study, everyone, str(out / "results/cohort"), "1"))
    assert found["P2"] == "file-too-large"
    assert found["P3"] == "image-is-label"
    assert found["P4"] == "file-missing"
    assert "P1" not in found


def test_progress_is_read_from_the_log_however_it_is_cut() -> None:
    log = (
        "Job stats:\njob                 count\n----------------  -------\nregister                2\nensemble"
        "                1\ntotal                   3\n\nFinished jobid: 4 (Rule: register)\n"
        "\nensemble says: all graphics cards are held, by process 7: this job waits until one is free\n"
        "Finished jobid: 12 (Rule: register)\nFinished jobid: 3 (Rule: ensemble)\n"
    )
    for step in (1, 7, 1000):
        following, told = Following(), list[str]()
        for start in range(0, len(log), step):
            told += following.read(log[start : start + step])
        assert told == ["ensemble: all graphics cards are held, by process 7: this job waits until one is free"]
        assert following.stages() == {"register scans": (2, 2), "predict": (1, 1)}


def test_a_failed_workflow_says_what_its_jobs_said() -> None:
    log = (
        "Error in rule register:\n    message: None\n\nregister: disk full\nremove something\n(log: results/a.log)\n"
        "noise\nregister: disk full\nremove something\n(log: results/b.log)\n"
    )
    assert reasons(log) == "disk full\nremove something"
    assert reasons("one\ntwo\n") == "one\ntwo"


def test_each_outcome_is_a_line_of_words() -> None:
    problem = problem_of("image-constant", "every voxel is 1", "copy it again", "P2", "post_t1").to_json()
    predicted = {"patient": "P1", "state": "predicted", "problems": [], "volume_ml": 0.1749, "residual_tumour": False}
    undecidable = {"told": "undecidable", "residual_tumour": False}
    assert in_words({**predicted, "why": "why"}, undecidable) == "P1: 0.175 ml, undecidable (why)"
    assert in_words({"patient": "P2", "state": "refused", "problems": [problem]}) == (
        "P2: refused\n  patient P2, post_t1: every voxel is 1: copy it again"
    )
    excluded = {"patient": "P3", "state": "excluded", "problems": [], "excluded": "moved"}
    assert in_words(excluded) == "P3: excluded by the table (moved)"
