"""Patients whom the study leaves out or sees in part: invalid data, lacking sequences, and how they come back."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from studies import HOUSE, Study

INVALID, PARTIAL = "STO002", "GOT001"
SELECTIONS = [f"results/prepared/nnunet/{inputs}/{subset}.json" for inputs in "AT" for subset in ("fold0", "fold1")]

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


@pytest.fixture(scope="module")
def study(micro_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A micro study that has not run, with a further sequence ``post_t2``, which one patient lacks."""
    folder = tmp_path_factory.mktemp("left_out") / "study"
    shutil.copytree(micro_cohort, folder / "cohort")
    shutil.copy(HOUSE / "tests" / "micro" / "config.yaml", folder / "config.yaml")
    rewrite(
        folder / "cohort/cohort.tsv",
        lambda row: row.update(post_t2="n/a" if row["patient"] == PARTIAL else row["post_flair"], post_flair="n/a"),
    )

    def declare(config: dict[str, Any]) -> None:
        config["sequences"]["moving"] = ["post_t1", "post_t2", "pre_t1ce"]
        config["inputs"] = {"A": ["post_t1ce"], "T": ["post_t1ce", "post_t2"]}
        config.update(eligibility="per_inputs", on_invalid="exclude", raters=None)
        for experiment in config["statistics"]["best_inputs"].values():
            experiment.update(nnunet="A")

    study = Study(folder)
    study.configure(declare)
    return study


def selected(study: Study, inputs: str) -> set[str]:
    """All patients of the two folds' selections."""
    records = [json.loads((study.folder / name).read_text()) for name in SELECTIONS if f"/{inputs}/" in name]
    return {patient for record in records for patient in (*record["training"], *record["validation"])}


def test_an_invalid_patient_is_excluded_at_the_next_start_and_returns_when_corrected(study: Study) -> None:
    mask = study.folder / "cohort" / "images" / INVALID / "residual.nii.gz"
    sound = spoil(mask)
    broken = mask.read_bytes()

    first = study.snakemake("--keep-going", *TARGETS)
    said = first.stdout + first.stderr
    assert first.returncode != 0
    assert f"patient {INVALID}" in said
    assert "start again: the study continues without them" in said
    # Everyone's scans were prepared meanwhile; nothing that trains was let past the check.
    prepared = {path.parent.name for path in study.folder.glob("results/prepared/nnunet/post_t1ce/*/manifest.json")}
    assert prepared == {"GOT-0", "STO-0"}
    assert not [name for name in SELECTIONS if (study.folder / name).exists()]

    second = study.snakemake("--keep-going", *TARGETS)
    assert second.returncode == 0, second.stdout + second.stderr
    excluded = list(csv.DictReader((study.folder / "results/cohort/excluded.tsv").open(), delimiter="\t"))
    found = [(row["patient"], row["check"], row["subject"]) for row in excluded]
    assert found == [(INVALID, "label-not-binary", "residual")]
    folds = json.loads((study.folder / "results/cohort/folds.json").read_text())
    assert folds["excluded"] == {INVALID: "label-not-binary"}
    members = {patient for fold in folds["folds"].values() for patient in fold}
    assert INVALID not in members
    assert PARTIAL in members
    # Inputs A take everyone who is left, inputs T those who have the further sequence.
    assert selected(study, "A") == members
    assert selected(study, "T") == members - {PARTIAL}
    assert mask.read_bytes() == broken
    assert study.planned(*TARGETS) == []

    mask.write_bytes(sound)
    third = study.snakemake("--keep-going", *TARGETS)
    assert third.returncode == 0, third.stdout + third.stderr
    assert selected(study, "A") == members | {INVALID}
    assert list(csv.DictReader((study.folder / "results/cohort/excluded.tsv").open(), delimiter="\t")) == []
