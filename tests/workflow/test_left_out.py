"""Patients whom the study leaves out or sees in part: invalid data, lacking sequences, and how they come back."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import yaml

from residua.cohort.commands.folds import show_folds
from residua.estimate.jobs import planned_run
from residua.settings.study import load_study
from studies import Study, by_rule

INVALID, PARTIAL = "STO002", "GOT001"
SELECTIONS = [f"results/prepared/nnunet/{inputs}/{subset}.json" for inputs in "AB" for subset in ("fold0", "fold1")]

TARGETS = [*SELECTIONS, "results/cohort/folds.json", "results/cohort/duplicates.json"]


def rewrite(table: Path, change: Any) -> None:
    """Change every row of a TSV in place by ``change(row)``."""
    rows = list(csv.DictReader(table.open(encoding="utf-8"), delimiter="\t"))
    for row in rows:
        change(row)
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)


def spoil(mask: Path) -> bytes:
    """Make a label hold a 2; returns the file as it was."""
    before = mask.read_bytes()
    image = nib.load(mask)
    voxels = np.asarray(image.dataobj).copy()
    voxels[0, 0, 0] = 2
    nib.save(nib.Nifti1Image(voxels, image.affine), mask)
    return before


@pytest.fixture
def study(study: Study) -> Study:
    """The finished study with its T1w-CE still to be prepared; one patient lacks the T1w, which inputs B need."""
    for name in ("nnunet/post_t1ce", *(f"nnunet/{inputs}" for inputs in "AB")):
        shutil.rmtree(study.folder / "results/prepared" / name)
    without = {"patient": PARTIAL, "post_t1": "n/a"}
    rewrite(study.folder / "cohort/cohort.tsv", lambda row: row.update(without if row["patient"] == PARTIAL else {}))
    study.configure(lambda config: config.update(eligibility="per_inputs", on_invalid="exclude", raters=None))
    study.configure(lambda config: config.update(archs=["nnunet"]))
    return study


def selected(study: Study, inputs: str) -> set[str]:
    """All patients of the two folds' selections."""
    records = [json.loads((study.folder / name).read_text()) for name in SELECTIONS if f"/{inputs}/" in name]
    return {patient for record in records for patient in (*record["training"], *record["validation"])}


def leave_out(study: Study) -> tuple[Path, bytes]:
    """Spoil a label and start until the study goes on without its patient; return the label's file and what was there.

    The first start finds it, and prepares everyone's scans meanwhile; nothing that trains is let past the check.
    """
    mask = study.folder / "cohort" / "images" / INVALID / "residual.nii.gz"
    sound = spoil(mask)
    broken = mask.read_bytes()

    first = study.snakemake("--keep-going", *TARGETS)
    said = first.stdout + first.stderr
    assert first.returncode != 0
    assert f"patient {INVALID}" in said
    assert "start again: the study continues without them" in said
    prepared = {path.parent.name for path in study.folder.glob("results/prepared/nnunet/post_t1ce/*/manifest.json")}
    assert prepared == {"GOT-0", "STO-0"}
    assert not [name for name in SELECTIONS if (study.folder / name).exists()]

    second = study.snakemake("--keep-going", *TARGETS)
    assert second.returncode == 0, second.stdout + second.stderr
    assert mask.read_bytes() == broken
    return mask, sound


def excluded(study: Study) -> list[tuple[str, str, str]]:
    """Whom the study left out, and why."""
    rows = csv.DictReader((study.folder / "results/cohort/excluded.tsv").open(), delimiter="\t")
    return [(row["patient"], row["check"], row["subject"]) for row in rows]


def members(study: Study) -> set[str]:
    """The patients of the folds."""
    folds = json.loads((study.folder / "results/cohort/folds.json").read_text())["folds"]
    return {patient for fold in folds.values() for patient in fold}


def test_an_invalid_patient_is_excluded_at_the_next_start_and_returns_when_corrected(study: Study) -> None:
    everyone = members(study)
    mask, sound = leave_out(study)
    assert excluded(study) == [(INVALID, "label-not-binary", "residual")]
    folds = json.loads((study.folder / "results/cohort/folds.json").read_text())
    assert folds["excluded"] == {INVALID: "label-not-binary"}
    assert members(study) == everyone - {INVALID}
    # Inputs A take everyone who is left, inputs B those who have the T1w.
    assert selected(study, "A") == members(study)
    assert selected(study, "B") == members(study) - {PARTIAL}
    assert study.planned(*TARGETS) == []

    mask.write_bytes(sound)
    jobs = by_rule(study.planned(*TARGETS))
    assert jobs["check_cohort"] == jobs["split_folds"] == jobs["check_duplicates"] == 1
    assert jobs["select_cases"] == len(SELECTIONS)


def test_a_study_is_planned_without_a_patient_whose_file_is_missing(
    fresh: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.configure(lambda config: config.update(on_invalid="exclude"))
    image = next(fresh.folder.glob(f"cohort/images/{INVALID}/post_t1.nii*"))
    image.unlink()
    monkeypatch.chdir(fresh.folder)
    config = yaml.safe_load(fresh.config_file.read_text())
    # This asks Snakemake for the jobs, which refuses a job whose inputs are missing.
    planned = planned_run(config)
    assert INVALID not in planned.loaded.split.patients
    assert Counter(job.rule for job in planned.jobs)["check_cohort"] == 3
    show_folds(load_study(config), Path(config["cohort"]), Path("voxels"))


@pytest.mark.long
def test_a_corrected_patient_is_among_those_who_train_again(study: Study) -> None:
    everyone = members(study)
    mask, sound = leave_out(study)
    mask.write_bytes(sound)
    study.run(*TARGETS)
    assert members(study) == selected(study, "A") == everyone
    assert excluded(study) == []
