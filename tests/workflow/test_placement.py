"""Folds that are made at the first start stay as they are; a later patient moves no hospital."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studies import HOUSE, Study


@pytest.fixture
def study(micro_cohort: Path, tmp_path: Path) -> Study:
    """A micro study with balanced folds that has not run."""
    shutil.copytree(micro_cohort, tmp_path / "cohort")
    shutil.copy(HOUSE / "tests" / "micro" / "config.yaml", tmp_path / "config.yaml")
    study = Study(tmp_path)
    study.configure(lambda config: config.update(folds={"method": "balanced", "number": 2}))
    return study


def test_balanced_folds_are_planned_frozen_and_kept(study: Study) -> None:
    placement = study.folder / "results/cohort/placement.tsv"
    trained = [job for job in study.planned() if job.rule == "train"]
    assert {job["fold"] for job in trained} == {"0", "1"}
    assert not placement.exists(), "a dry run writes nothing"

    done = study.snakemake("--keep-going", "results/cohort/folds.json")
    assert done.returncode == 0, done.stdout + done.stderr
    made = placement.read_text()
    hospitals = dict(line.split("\t") for line in made.splitlines())
    assert hospitals.pop("hospital") == "fold"
    assert set(hospitals) == {"GOT", "STO"}
    assert set(hospitals.values()) == {"0", "1"}
    # What is frozen decides, whatever balancing would say now.
    swapped = made.replace("\t0", "\tx").replace("\t1", "\t0").replace("\tx", "\t1")
    placement.write_text(swapped)
    refused = study.snakemake("--keep-going", "results/cohort/folds.json")
    seal = "results/.sha256/cohort/placement.tsv.txt"
    assert refused.returncode != 0
    assert f"rm {seal}" in refused.stdout + refused.stderr
    (study.folder / seal).unlink()
    done = study.snakemake("--keep-going", "results/cohort/folds.json")
    assert done.returncode == 0, done.stdout + done.stderr
    folds = json.loads((study.folder / "results/cohort/folds.json").read_text())
    hospital_of_fold = dict(reversed(line.split("\t")) for line in swapped.splitlines()[1:])  # type: ignore[misc]
    for fold, patients in folds["folds"].items():
        assert {folds["hospitals"][patient] for patient in patients} == {hospital_of_fold[fold]}
    assert all(part["overlap"] == [] for part in folds["proof"].values())

    command = [str(Path(sys.executable).parent / "residua"), "folds", "cohort/cohort.tsv", "--config", "config.yaml"]
    shown = subprocess.run(command, cwd=study.folder, capture_output=True, text=True, check=True).stdout
    fold = {line.split()[0]: line.split()[1:] for line in shown.splitlines()}
    assert fold["hold-out"] == ["AMS", "2", "1", "1", "50.0"]
    assert fold["0"][0] == hospital_of_fold["0"]
    assert fold["1"][0] == hospital_of_fold["1"]
