"""New patients: the models of a study's bundles, applied by ``residua predict``."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from application import CHANNELS, new_table, pack, rows_of
from dicom_masks import RAS_TO_LPS, apart_mm, places_of_nifti, places_of_seg
from dicom_trees import IDENTITY, NAME, T1CE, write_series
from environments import build_environments
from residua.publishing.publish import manifest_of, read_json
from studies import Study, by_rule

NEW = ("AMS001", "AMS002")
"""The hold-out of the study: none of its models has seen them."""


@dataclass(frozen=True)
class Call:
    """A call of ``residua predict``: the exit status, what it printed, and the folder of its results."""

    code: int
    printed: str
    said: str
    out: Path

    @property
    def patients(self) -> dict[str, dict[str, Any]]:
        """The record of each patient by name."""
        return {record["patient"]: record for record in read_json(self.out / "results/patients.json")}


def predict(out: Path, bundles: Sequence[Path], *arguments: str | Path, within: Sequence[str] = ()) -> Call:
    """Call ``residua predict`` as a user would; ``within`` is a command that runs it."""
    build_environments()
    command = [*within, sys.executable, "-m", "residua.cli", "predict", "--out", out, "--cores", "2", *arguments]
    command += [argument for bundle in bundles for argument in ("--bundle", bundle)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    return Call(done.returncode, done.stdout, done.stderr, out)


@cache
def without_network() -> tuple[str, ...]:
    """The command that runs another without a network; empty where that is not permitted."""
    alone = ("unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",)))
    permitted = shutil.which("unshare") and subprocess.run([*alone, "true"], capture_output=True).returncode == 0
    return alone if permitted else ()


def damaged(scan: str, to: Path, kind: str) -> str:
    """A copy of a scan or mask that holds noise or three values, or ends in the middle."""
    if kind == "cut":
        content = Path(scan).read_bytes()
        to.write_bytes(content[: len(content) // 2])
        return str(to)
    image = nib.load(scan)
    noise = np.random.default_rng(1).normal(100.0, 20.0, image.shape)
    voxels = {"noise": noise, "labels": np.arange(noise.size).reshape(noise.shape) % 3}
    nib.save(nib.Nifti1Image(voxels[kind].astype(np.float32), image.affine), to)
    return str(to)


def as_dicom(scan: str, folder: Path) -> None:
    """Write a scan as a series."""
    image = nib.load(scan)
    voxels = np.asarray(image.dataobj, dtype=float)
    levels = np.rint((voxels - voxels.min()) / np.ptp(voxels) * 4000).astype(np.uint16)
    place = (RAS_TO_LPS @ image.affine)[:3]
    tags = {**T1CE, "voxels": levels, "affine": place, "FrameOfReferenceUID": generate_uid()}
    write_series(folder, "T1 +GD", "20200103 0930", generate_uid(), 5, **tags)


def from_dicom(row: dict[str, str], folder: Path) -> dict[str, str]:
    """The row of a patient called as a new folder: T1w-CE of another as DICOM, copies of all else.

    The header of the T1w gives two places.
    """
    as_dicom(row["post_t1ce"], folder / "a")
    copies = {column: f"{folder}_{Path(row[column]).name}" for column in ("post_t1", "brain_mask")}
    for column, copy in copies.items():
        shutil.copy(row[column], copy)
    scan = nib.load(row["post_t1"])
    scan.set_qform(scan.affine + np.eye(4, k=3) * 40, 1)
    nib.save(scan, copies["post_t1"])
    return {"patient": folder.name, "post_t1ce": str(folder), **copies}


def copied(row: dict[str, str], folder: Path) -> dict[str, str]:
    """The row of a patient with files of their own: no file may be two patients'."""
    own = folder / f"another_{row['patient']}"
    own.mkdir()
    return row | {column: shutil.copy(path, own) for column, path in row.items() if column != "patient"}


@pytest.fixture(scope="module")
def bundles(finished: Study, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """nnU-Net on the T1w-CE alone, and AGU-Net on two sequences, which has the better score."""
    folder = tmp_path_factory.mktemp("bundles")
    return [pack(finished, "nnunet", "A", folder / "a.zip", 0.1), pack(finished, "agunet", "B", folder / "b.zip", 0.9)]


@pytest.fixture(scope="module")
def called(finished: Study, bundles: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Two sound patients with different sequences, one whose scan is DICOM, and others with whom something is wrong.

    They are predicted without a network where the machine can do that.
    """
    folder = tmp_path_factory.mktemp("called")
    columns = [*CHANNELS["B"], "brain_mask", "residual"]
    both, one, noise, broken, other, missing = rows_of(
        finished, (*NEW, "GOT001", "GOT002", "STO001", "STO002"), columns
    )
    (mask,) = (copied(row, folder) for row in rows_of(finished, ("GOT001",), columns))
    dicom, several = from_dicom(other, folder / "DICOM"), from_dicom(missing, folder / "SEVERAL")
    as_dicom(missing["post_t1ce"], folder / "SEVERAL" / "b")
    both = copied(both, folder)
    one["post_t1"] = missing["post_t1ce"] = ""
    noise.update(patient="NOISE", post_t1=damaged(noise["post_t1"], folder / "noise.nii.gz", "noise"))
    broken.update(patient="BROKEN", post_t1ce=damaged(broken["post_t1ce"], folder / "cut.nii.gz", "cut"))
    missing.update(patient="MISSING")
    mask.update(patient="MASK", brain_mask=damaged(mask["brain_mask"], folder / "labels.nii.gz", "labels"))
    table = new_table(folder / "new.tsv", [missing, both, noise, one, broken, mask, dicom, several])
    return predict(folder / "out", bundles, "--cohort", table, within=without_network())


@pytest.mark.long
def test_a_patient_without_a_sequence_is_predicted_with_zeros_where_the_user_insists(
    finished: Study, bundles: list[Path], tmp_path: Path
) -> None:
    whole, without = rows_of(finished, NEW, [*CHANNELS["B"], "brain_mask"])
    without["post_t1"] = ""
    table = new_table(tmp_path / "new.tsv", [whole, without])
    refused = predict(tmp_path / "out", bundles[1:], "--cohort", table)
    before = refused.patients
    assert (refused.code, before[NEW[1]]["state"]) == (1, "refused")
    assert before[NEW[0]]["state"] == "predicted"
    # The same folder goes on with it.
    call = predict(tmp_path / "out", bundles[1:], "--cohort", table, "--missing", "zeros")
    assert call.code == 0, call.printed + call.said
    record = call.patients[NEW[1]]
    assert (record["state"], record["lacking"]) == ("predicted", ["post_t1"])
    assert "never trained to do without: the result is doubtful" in call.printed
    # The other patient's result does not depend on it.
    assert call.patients[NEW[0]]["lacking"] == []
    assert call.patients[NEW[0]]["volume_ml"] == before[NEW[0]]["volume_ml"]
    selection = read_json(call.out / "results/prepared/agunet/B/holdout.json")
    assert selection["lacking"] == {NEW[1]: ["post_t1"]}


def test_each_patient_gets_the_best_bundle_that_the_sequences_allow(called: Call) -> None:
    chosen = {name: (record["arch"], record["inputs"]) for name, record in called.patients.items()}
    assert chosen["AMS001"] == ("agunet", "B")
    assert chosen["AMS002"] == ("nnunet", "A")
    assert called.patients["AMS002"]["why"].endswith("agunet B needs post_t1")


@pytest.mark.parametrize(("patient", "model"), [("AMS001", "agunet/B"), ("AMS002", "nnunet/A")])
def test_a_bundle_gives_voxel_for_voxel_what_the_ensemble_of_the_study_gave(
    finished: Study, called: Call, patient: str, model: str
) -> None:
    others = ["DICOM.nii.gz"] if model == "agunet/B" else []
    for stage in (f"results/ensemble/{model}", f"results/segmentations/{model}/test"):
        ours, theirs = (manifest_of(out / stage / "manifest.json")["files"] for out in (called.out, finished.folder))
        assert ours[f"{patient}.nii.gz"] == theirs[f"{patient}.nii.gz"], stage
        assert [name for name in ours if "/" not in name] == [f"{patient}.nii.gz", *others]
    record = called.patients[patient]
    assert record["state"] == "predicted"
    mask = nib.load(called.out / record["mask"])
    millilitres = np.asarray(mask.dataobj).sum() * abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    assert record["volume_ml"] == pytest.approx(millilitres)


@pytest.mark.parametrize(
    ("patient", "state", "what"),
    [
        ("MISSING", "refused", "no file is given for post_t1ce, and every patient needs it"),
        ("NOISE", "failed", "post_t1: it "),
        ("BROKEN", "refused", "cut.nii.gz"),
        ("MASK", "refused", "a mask holds only 0 and 1, but this one also 2"),
        ("SEVERAL", "refused", "the folder holds 2 DICOM series: name one by its SeriesInstanceUID"),
    ],
)
def test_a_patient_who_cannot_be_predicted_is_named_and_leaves_the_others_alone(
    called: Call, patient: str, state: str, what: str
) -> None:
    assert called.code == 1
    assert called.patients[patient]["state"] == state
    own = called.printed[called.printed.index(f"{patient}: {state}\n") :].splitlines()[1]
    assert what in own
    assert "5 of 8 patients could not be predicted: MISSING, NOISE, BROKEN, MASK, SEVERAL" in called.said
    assert "Traceback" not in called.said + called.printed


def test_every_patient_has_a_record_and_a_page_and_all_one_table(called: Call) -> None:
    rows = (called.out / "results/patients.tsv").read_text().splitlines()
    assert [row.split("\t")[0] for row in rows] == ["patient", *called.patients]
    for patient, known in called.patients.items():
        folder = called.out / "results/patients" / patient
        record = read_json(folder / "prediction.json")
        assert (record["patient"], record["state"]) == (patient, known["state"])
        assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
        text = (folder / "report.html").read_text()
        assert f"patient {patient}" in text
        assert "Research use only" in text
        assert str(called.out.parent) not in text + (folder / "prediction.json").read_text()


@pytest.mark.parametrize("patient", NEW)
def test_the_record_of_a_patient_says_what_the_maps_show(called: Call, patient: str) -> None:
    folder = called.out / "results/patients" / patient
    record, known = read_json(folder / "prediction.json"), called.patients[patient]
    assert record["volumes"]["residual_ml"] == pytest.approx(known["volume_ml"])
    assert record["classification"]["residual_tumour"] == known["residual_tumour"]
    assert [warning["kind"] for warning in record["warnings"]][-2:] == ["no-limits", "not-calibrated"]
    maps = [name for name in record["files"] if name.endswith(".nii.gz")]
    assert maps == ["disagreement.nii.gz", "mask.nii.gz", "probability.nii.gz"]
    for name, kind in (("mask", "mask"), ("probability", "probability")):
        assert (folder / f"{name}.nii.gz").read_bytes() == (called.out / known[kind]).read_bytes()


def test_what_the_checks_warn_of_is_said_and_told_in_the_record_and_on_the_page(called: Call) -> None:
    said = [line for line in called.said.splitlines() if line.startswith("warning: patient DICOM, post_t1, ")]
    assert any("sform and qform" in line for line in said)
    known = [warning["check"] for warning in called.patients["DICOM"]["warnings"]]
    assert "sform-qform-disagree" in known
    folder = called.out / "results/patients/DICOM"
    told = [each for each in read_json(folder / "prediction.json")["warnings"] if each["kind"] == "check"]
    assert "post_t1" in next(each["columns"] for each in told if each["check"] == "sform-qform-disagree")
    assert "sform and qform" in (folder / "report.html").read_text().replace("\N{NO-BREAK SPACE}", " ")


def test_the_log_stays_in_its_file_and_progress_is_told(called: Call) -> None:
    assert "rule ensemble" not in called.said + called.printed
    assert "rule ensemble" in (called.out / "predict.log").read_text()
    assert "predict: 2 of 2" in called.said


def test_a_patient_whose_scan_is_dicom_gets_the_mask_as_dicom_seg_on_its_slices(called: Call) -> None:
    folder = called.out / "results/patients/DICOM"
    assert [file.parent.name for file in called.out.glob("results/patients/*/mask.dcm")] == ["DICOM"]
    ours = places_of_nifti(folder / "mask.nii.gz")
    assert len(ours) > 0
    assert apart_mm(ours, places_of_seg(folder / "mask.dcm")) < 0.01
    segmentation = pydicom.dcmread(folder / "mask.dcm")
    assert (str(segmentation.PatientName), segmentation.PatientID) == (NAME, IDENTITY)
    (source,) = segmentation.ReferencedSeriesSequence
    slices = [pydicom.dcmread(file) for file in (called.out.parent / "DICOM/a").iterdir()]
    assert source.SeriesInstanceUID == slices[0].SeriesInstanceUID
    assert len(source.ReferencedInstanceSequence) == len(slices)
    digest = read_json(folder / "prediction.json")["bundle"]["digest"]
    (algorithm,) = segmentation.SegmentSequence[0].SegmentationAlgorithmIdentificationSequence
    assert f"bundle={digest}" in algorithm.AlgorithmParameters
    for name in ("prediction.json", "report.html", "mask.nii.gz", "../../patients.tsv"):
        content = (folder / name).read_bytes()
        assert NAME.encode() not in content
        assert IDENTITY.encode() not in content


def test_the_same_command_again_repeats_nothing(called: Call, bundles: list[Path]) -> None:
    kept = ("results/**/*.nii.gz", "images/**/*.nii.gz", "results/**/*.dcm")
    before = {file: file.stat().st_mtime_ns for pattern in kept for file in called.out.glob(pattern)}
    again = predict(called.out, bundles, "--cohort", called.out.parent / "new.tsv", "--json")
    assert again.code == 1
    assert again.printed, again.said
    assert json.loads(again.printed)["patients"] == list(called.patients.values())
    assert {file: file.stat().st_mtime_ns for pattern in kept for file in called.out.glob(pattern)} == before
    assert "Finished jobid" not in (called.out / "predict.log").read_text()


def test_no_network_is_needed(called: Call) -> None:
    if not without_network():
        pytest.skip("NOT TESTED WITHOUT A NETWORK: unshare --net is not permitted here")
    for patient in NEW:
        assert called.patients[patient]["state"] == "predicted"
        line = rf"^{patient}: \d+\.\d{{3}} ml, (residual tumour|gross total resection|undecidable) \("
        assert re.search(line, called.printed, re.MULTILINE)


@contextmanager
def replaced(file: Path, write: Callable[[Path], object]) -> Iterator[None]:
    """Another file in place of one for a while, older than everything that was made of it, as ``cp -p`` leaves it."""
    kept, other = file.with_name(f"kept_{file.name}"), file.with_name(f"other_{file.name}")
    write(other)
    os.utime(other, (1.5e9, 1.5e9))
    file.rename(kept)
    other.rename(file)
    try:
        yield
    finally:
        kept.rename(file)


def test_a_scan_that_was_replaced_by_an_older_one_is_registered_and_predicted(called: Call) -> None:
    application = Study(called.out)
    rows = csv.DictReader((called.out / "cohort.tsv").open(encoding="utf-8"), delimiter="\t")
    (scan,) = (Path(row["post_t1"]) for row in rows if row["patient"] == "AMS001")

    def brighter(other: Path) -> None:
        image = nib.load(scan)
        nib.save(nib.Nifti1Image(2.0 * np.asarray(image.dataobj), image.affine), other)

    assert application.planned() == []
    with replaced(scan, brighter):
        jobs = application.planned()
    assert [job["patient"] for job in jobs if job.rule == "register"] == ["AMS001"]
    assert by_rule(jobs)["ensemble"] == 1
    assert by_rule(jobs)["unpack"] == 0
    assert application.planned() == []


def test_a_bundle_that_was_replaced_by_an_older_one_is_unpacked_again_and_the_command_refuses_it(
    called: Call, bundles: list[Path], finished: Study
) -> None:
    with replaced(bundles[1], lambda other: pack(finished, "agunet", "B", other, 0.8)):
        assert by_rule(Study(called.out).planned())["unpack"] == 1
        refused = predict(called.out, bundles, "--cohort", called.out.parent / "new.tsv")
    assert refused.code == 1
    assert "holds results of other models" in refused.said
    assert Study(called.out).planned() == []
