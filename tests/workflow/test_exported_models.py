"""The models of a finished study leave it by one command."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

from environments import HOUSE, python_in
from residua.cli import app
from residua.publishing.publish import verified
from studies import Study


def test_a_finished_study_is_exported_in_the_environment_of_the_form(finished: Study, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    chosen = ["--study", str(finished.folder), "--arch", "nnunet", "--inputs", "A", "--to", "nnunet"]
    ran = CliRunner().invoke(app, ["export", *chosen, "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    results = "Dataset501_ResiduaA/nnUNetTrainer__nnUNetPlans__3d_fullres"
    models = [f"{results}/{name}" for name in ("dataset.json", "plans.json")]
    models += [f"{results}/fold_{fold}/checkpoint_final.pth" for fold in (0, 1)]
    assert sorted(verified(out / "manifest.json")) == sorted([*models, "Dataset501_ResiduaA.zip", "README.md"])
    with zipfile.ZipFile(out / "Dataset501_ResiduaA.zip") as archive:
        assert sorted(archive.namelist()) == sorted(models)
    # Nothing else is left beside it.
    assert list(tmp_path.iterdir()) == [out]


def test_what_was_predicted_of_the_hold_out_is_a_bids_dataset(finished: Study, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    chosen = ["--study", str(finished.folder), "--arch", "agunet", "--inputs", "B", "--to", "bids"]
    ran = CliRunner().invoke(app, ["export", *chosen, "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    validator = Path(sys.executable).parent / "bids-validator-deno"
    done = subprocess.run([validator, "--format", "json", out], capture_output=True, text=True, timeout=300)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    with (out / "participants.tsv").open() as stream:
        rows = {row["participant_id"]: row for row in csv.DictReader(stream, delimiter="\t")}
    assert set(rows) == {"sub-AMS001", "sub-AMS002"}
    for patient, row in rows.items():
        (mask,) = out.glob(f"{patient}/anat/*_mask.nii.gz")
        own = finished.folder / f"results/segmentations/agunet/B/test/{patient.removeprefix('sub-')}.nii.gz"
        assert mask.read_bytes() == own.read_bytes()
        image = nib.load(mask)
        ml = np.count_nonzero(image.dataobj) * np.prod(image.header.get_zooms()) / 1000
        assert float(row["volume_ml"]) == pytest.approx(ml, abs=1e-3)
    # Nothing else is left beside it.
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (["--arch", "unet", "--inputs", "B"], "no network unet; it has nnunet, agunet"),
        (["--arch", "nnunet", "--inputs", "Z"], "no input configuration Z; it has"),
        (["--inputs", "B"], "give --study, --arch and --inputs"),
    ],
)
def test_what_a_study_never_predicted_is_one_message(finished: Study, chosen: list[str], said: str) -> None:
    out = finished.folder.parent / "never"
    study = ["--study", str(finished.folder), "--to", "bids"]
    ran = CliRunner().invoke(app, ["export", *study, "--out", str(out), *chosen])
    assert ran.exit_code == 1
    assert said in ran.output + str(ran.exception)
    assert not out.exists()


def test_nnunets_own_check_passes_the_prepared_cohort(finished: Study, tmp_path: Path) -> None:
    out = tmp_path / "exported"
    chosen = ["--study", str(finished.folder), "--inputs", "B", "--to", "nnunet-raw"]
    ran = CliRunner().invoke(app, ["export", *chosen, "--out", str(out)])
    assert ran.exit_code == 0, ran.output
    check = HOUSE / "tests/contracts/integrity_check.py"
    done = python_in("torch", str(check), str(out / "Dataset501_ResiduaB"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verify_dataset_integrity Done" in done.stdout
    assert "Warning" not in done.stdout
