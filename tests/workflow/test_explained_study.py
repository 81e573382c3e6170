"""Why jobs of a finished study would start, and what a study takes before it starts, asked of Snakemake itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from residua.cli import app
from residua.operations.benchmarks import benchmarks_of
from residua.operations.why import explained
from studies import Study, by_rule


def test_what_would_start_and_why_is_told_stage_by_stage(study: Study) -> None:
    # The log of the copy names the folder of the study that ran.
    assert explained(study.folder).causes == ()
    (study.folder / "cohort/images/AMS001/pre_t1ce.nii.gz").write_bytes(b"another scan")
    (study.folder / "results/tables/table1.csv").unlink()
    causes = {(cause.stage, cause.reason): cause for cause in explained(study.folder).causes}
    registered = causes["register scans", "a file that it reads changed"]
    assert (registered.rules, registered.jobs) == (("register_around_resection",), 1)
    assert registered.changed == ("cohort/images/AMS001/pre_t1ce.nii.gz",)
    assert registered.seconds is not None
    assert causes["tables and report", "it is not made yet, or was deleted"].rules == ("table1",)
    assert sum(cause.jobs for cause in causes.values()) == by_rule(study.planned()).total()


def test_a_plan_has_snakemakes_jobs_and_scales_by_a_finished_study(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.folder)
    command = ["plan", "cohort/cohort.tsv", "--config", "config.yaml", "--gpus", "0", "--json", "--measured", "."]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    planned = json.loads(done.stdout)
    taken = [each.runs[-1] for each in benchmarks_of(Path("results")) if each.runs]
    assert planned["in_all"]["cpu_h"] * 3600 == pytest.approx(sum(run.cpu_s or 0.0 for run in taken), rel=0.1)
    fresh = study.copied(study.folder.parent / "fresh")
    shutil.rmtree(fresh.folder / "results")
    assert planned["in_all"]["jobs"] == len(fresh.planned())
