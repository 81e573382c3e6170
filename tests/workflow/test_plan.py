"""The published study is planned in full from a table alone."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from published_cohort import PATIENTS_BY_HOSPITAL, write_published_cohort
from studies import HOUSE, Study, by_rule

TENTH = 0.1


@pytest.fixture(params=[pytest.param(1, marks=pytest.mark.long), TENTH])
def published(tmp_path: Path, request: pytest.FixtureRequest) -> Study:
    """The published study, and one with a tenth of the patients of each of its hospitals."""
    write_published_cohort(tmp_path, request.param)
    shutil.copy(HOUSE / "config.yaml", tmp_path / "config.yaml")
    return Study(tmp_path)


def test_the_published_study_is_planned_from_placeholders(published: Study) -> None:
    patients = len(list(published.folder.glob("images/*")))
    assert patients in (sum(PATIENTS_BY_HOSPITAL.values()), sum(n // 10 for n in PATIENTS_BY_HOSPITAL.values()))
    jobs = published.planned()
    counted = by_rule(jobs)
    assert counted["register"] == 2 * patients
    # The label of the resected tumour is warped by the job that registers its sequence.
    assert counted["register_around_resection"] == patients
    assert counted["register_without_label"] == counted["warp_label"] == 0
    assert counted["train"] == counted["predict"] == 50
    assert counted["ensemble"] == counted["measure"] == counted["choose_threshold"] == 10
    trainings = Counter((job["arch"], job["inputs"]) for job in jobs if job.rule == "train")
    assert trainings == {(arch, inputs): 5 for arch in ("nnunet", "agunet") for inputs in "ABCDE"}
    assert counted["report"] == counted["table4"] == counted["figure3"] == 1
    # There is no inter-rater study without a table of raters.
    assert counted["rate"] == counted["figure4"] == 0


def test_images_that_are_placeholders_stop_a_real_run_before_any_job(fresh: Study) -> None:
    for image in fresh.folder.glob("cohort/images/*/*"):
        image.write_bytes(b"")
    stopped = fresh.snakemake()
    text = stopped.stdout + stopped.stderr
    assert stopped.returncode != 0
    assert "the study cannot run on these images" in text
    assert "images/STO001/post_t1ce.nii.gz: the file is empty" in text
    assert not (fresh.folder / "results" / "registered").exists()
