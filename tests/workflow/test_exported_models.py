"""The models of a finished study leave it by one command."""

from __future__ import annotations

import zipfile
from pathlib import Path

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
