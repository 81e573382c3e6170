"""Results of an application as BIDS-Derivatives, judged by the BIDS validator."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from cohort_tables import snapshot
from residua.cli import app
from residua.images.volumes import Image, load_grid, save
from residua.inference.bids import write_bids
from residua.networks.prediction import LEVELS, save_probability

VALIDATOR = shutil.which("bids-validator-deno", path=str(Path(sys.executable).parent)) or shutil.which(
    "bids-validator-deno"
)
AFFINE = np.array([[-1.0, 0, 0, 9], [0, 2.0, 0, -7], [0, 0, 3.0, 4], [0, 0, 0, 1]])


def outcome(out: Path, patient: str, scan: Path | None = None) -> dict[str, Any]:
    """A predicted patient of an application in ``out``, with its files."""
    voxels = np.random.default_rng(len(patient)).random((5, 6, 7)).astype(np.float32)
    given = scan or out / "scans" / patient / "t1ce.nii.gz"
    names = {name: f"results/{name}/{patient}.nii.gz" for name in ("probability", "mask")}
    for path in (given, *(out / name for name in names.values())):
        path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, AFFINE), given)
    grid = load_grid(given)
    save_probability(Image(voxels, grid), out / names["probability"])
    save(Image(voxels >= 0.7, grid), out / names["mask"])
    made = {"arch": "nnunet", "inputs": "B", "bundle": "/models/b.zip", "threshold": 0.7, "volume_ml": 0.21}
    return {"patient": patient, "state": "predicted", "given": {"post_t1ce": str(given)}, **names, **made,
            "residual_tumour": patient != "P1"}  # fmt: skip


def errors(dataset: Path) -> list[str]:
    """The codes of the errors that the BIDS validator finds."""
    assert VALIDATOR is not None, "the BIDS validator is not installed: make dev"
    done = subprocess.run([VALIDATOR, "--format", "json", str(dataset)], capture_output=True, text=True, timeout=300)
    found = json.loads(done.stdout)["issues"]["issues"]
    return sorted({issue["code"] for issue in found if issue["severity"] == "error"})


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    outcomes = [outcome(tmp_path, "P1"), outcome(tmp_path, "P22"), {"patient": "P3", "state": "failed"}]
    return write_bids(outcomes, tmp_path, tmp_path / "bids")


def test_the_bids_validator_finds_no_error(dataset: Path) -> None:
    assert errors(dataset) == []


def test_the_bids_validator_finds_what_is_wrong(dataset: Path) -> None:
    (mask,) = dataset.glob("sub-P1/anat/*_mask.nii.gz")
    mask.rename(mask.with_name("sub-P1_label-L_space-orig_mask.nii.gz"))
    assert "FILENAME_MISMATCH" in errors(dataset)


def test_the_command_writes_the_dataset_beside_the_results_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = [{**outcome(tmp_path, "P1"), "problems": [], "why": "the only bundle"}]
    monkeypatch.setattr("residua.inference.predict.predict", lambda *arguments, **options: outcomes)
    call = ["predict", "--bundle", "b.zip", "--post-t1ce", "a.nii", "--out", str(tmp_path), "--json"]
    for arguments, written in ((call, False), ([*call, "--format", "bids"], True)):
        done = CliRunner().invoke(app, arguments)
        assert (done.exit_code, (tmp_path / "bids/dataset_description.json").is_file()) == (0, written)
        assert json.loads(done.stdout)["patients"][0]["patient"] == "P1"


def test_no_results_are_a_dataset_too(tmp_path: Path) -> None:
    empty = write_bids([{"patient": "P3", "state": "failed"}], tmp_path, tmp_path / "bids")
    assert (empty / "participants.tsv").read_text().count("\n") == 1


def test_maps_are_those_of_the_application_in_millimetres(tmp_path: Path, dataset: Path) -> None:
    for suffix, folder in (("probseg", "probability"), ("mask", "mask")):
        (path,) = dataset.glob(f"sub-P22/anat/*_{suffix}.nii.gz")
        ours, theirs = nib.load(path), nib.load(tmp_path / f"results/{folder}/P22.nii.gz")
        assert np.array_equal(ours.get_fdata(), theirs.get_fdata())
        assert (ours.dataobj.slope, ours.dataobj.inter) == (theirs.dataobj.slope, theirs.dataobj.inter)
        assert np.array_equal(ours.affine, theirs.affine)
        assert ours.get_data_dtype() == theirs.get_data_dtype()
        assert ours.header.get_xyzt_units()[0] == "mm"
        assert ours.dataobj.slope == pytest.approx(1 / LEVELS if suffix == "probseg" else 1)


def test_participants_are_the_predicted_patients_and_every_column_is_described(dataset: Path) -> None:
    rows = list(csv.DictReader((dataset / "participants.tsv").open(), delimiter="\t"))
    assert [row.pop("participant_id") for row in rows] == ["sub-P1", "sub-P22"]
    assert [(row["residual_tumour"], row["volume_ml"]) for row in rows] == [("no", "0.2100"), ("yes", "0.2100")]
    assert set(json.loads((dataset / "participants.json").read_text())) == set(rows[0])


def test_a_sidecar_says_what_a_map_was_made_from(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    scan = raw / "sub-1" / "anat" / "sub-1_ce-gd_T1w.nii.gz"
    one = outcome(tmp_path, "P1", scan)
    (raw / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.10.0"}')
    dataset = write_bids([one], tmp_path, tmp_path / "bids")
    (probseg,) = dataset.glob("sub-P1/anat/*_probseg.json")
    (mask,) = dataset.glob("sub-P1/anat/*_mask.json")
    map_, mask_ = json.loads(probseg.read_text()), json.loads(mask.read_text())
    assert map_["Sources"] == ["bids:raw1:sub-1/anat/sub-1_ce-gd_T1w.nii.gz"]
    assert map_["Inputs"]["post_t1ce"]["File"] == scan.name
    assert len(map_["Inputs"]["post_t1ce"]["SHA256"]) == 64
    assert mask_["Sources"] == [f"bids::sub-P1/anat/{probseg.name.replace('.json', '.nii.gz')}"]
    assert (mask_["Threshold"], mask_["Manual"], mask_["SpatialReference"]) == (0.7, False, "orig")
    description = json.loads((dataset / "dataset_description.json").read_text())
    assert description["DatasetLinks"] == {"raw1": raw.as_uri()}
    assert str(tmp_path) not in probseg.read_text() + mask.read_text()
    assert errors(dataset) == []


def test_a_second_call_writes_the_same_and_leaves_no_one_behind(tmp_path: Path, dataset: Path) -> None:
    before = snapshot(dataset)
    outcomes = [outcome(tmp_path, "P1"), outcome(tmp_path, "P22")]
    assert snapshot(write_bids(outcomes, tmp_path, dataset)) == before
    write_bids(outcomes[:1], tmp_path, dataset)
    assert {path.name for path in dataset.glob("sub-*")} == {"sub-P1"}
