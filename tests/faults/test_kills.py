"""Ten seeded moments at which the main process, its jobs or both are killed with -9, and the same command again.

Each of two studies is killed at five moments, one after the other, in different stages; together they fall into every
stage. ``make test`` kills the first study only, ``make test-faults`` both. RESIDUA_FAULT_SEED chooses other moments.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from aims import Form, Moment, choose_aims, seconds_of, stage_of
from micro_study import begin, forget
from outliving import Ordeal, Strike, ordeal
from residua.publishing.publish import read_json
from studies import Job, Study

SEED = os.environ.get("RESIDUA_FAULT_SEED", "20230613")
MOMENTS = {
    "from registration to report": (
        Moment(("register",), Form.MAIN_THEN_JOBS),
        Moment(("train nnunet",), Form.MAIN_OF_A_SLOW_JOB),
        Moment(("train agunet",), Form.GROUP),
        Moment(("out_of_fold", "predict"), Form.MAIN),
        Moment(("quality", "tables", "figures", "report"), Form.JOB),
    ),
    "from the cohort to the statistics": (
        Moment(("cohort", "participants"), Form.GROUP),
        Moment(("brain",), Form.MAIN),
        Moment(("prepare",), Form.MAIN_OF_A_SLOW_JOB),
        Moment(("segment", "measure"), Form.MAIN_THEN_JOBS),
        Moment(("raters", "statistics", "before", "resection", "bundle"), Form.JOB),
    ),
}
pytestmark = pytest.mark.timeout(3600)


@dataclass(frozen=True)
class Unbroken:
    """A study before it ran, the jobs that were planned, and the same study run without a kill."""

    before: Study
    jobs: list[Job]
    study: Study


@pytest.fixture(scope="module")
def unbroken(micro_cohort: Path, finished: Study, tmp_path_factory: pytest.TempPathFactory) -> Unbroken:
    """Inputs B of the finished study: one input configuration is enough, and makes every run shorter."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "before").mkdir()
    before = begin(micro_cohort, folder / "before")
    forget(before, "A")
    jobs = before.planned()
    study = finished.copied(folder / "study")
    forget(study, "A")
    study.run()
    return Unbroken(before, jobs, study)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("from registration to report"),
        pytest.param("from the cohort to the statistics", marks=pytest.mark.all_moments),
    ],
)
def killed(
    unbroken: Unbroken, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ordeal]:
    """A study that was killed at five moments and came to its end."""
    folder = tmp_path_factory.mktemp("killed")
    study = unbroken.before.copied(folder / "study")
    seconds = seconds_of(unbroken.study, unbroken.jobs)
    aims = choose_aims(MOMENTS[request.param], unbroken.jobs, seconds, epochs_of(study), f"{SEED} {request.param}")
    print(f"seed {SEED}:", *aims, sep="\n")
    with ordeal(study, folder, aims) as killed:
        killed.go_through()
        print("struck:", *(f"{strike.stage}: {strike.job.log}" for strike in killed.strikes), sep="\n")
        yield killed


def epochs_of(study: Study) -> int:
    """How many epochs every network of the study is trained for."""
    (epochs,) = {network["epochs"] for network in yaml.safe_load(study.config_file.read_text())["networks"].values()}
    return int(epochs)


def files_of(study: Study, pattern: str) -> dict[str, Path]:
    """The results that match, by their name below the study's folder."""
    found = {path.relative_to(study.folder).as_posix(): path for path in study.folder.glob(f"results/{pattern}")}
    assert found, f"no results/{pattern}"
    return found


def test_the_moments_fall_into_every_stage(unbroken: Unbroken) -> None:
    aimed_at = {stage for moments in MOMENTS.values() for moment in moments for stage in moment.stages}
    assert aimed_at == {stage_of(job) for job in unbroken.jobs}
    assert sum(map(len, MOMENTS.values())) == 10


def test_every_kill_met_an_unfinished_job_of_another_stage(killed: Ordeal) -> None:
    assert not killed.pending
    assert len({strike.stage for strike in killed.strikes}) == 5


def test_the_tables_are_those_of_the_unbroken_study(killed: Ordeal, unbroken: Unbroken) -> None:
    expected, found = files_of(unbroken.study, "tables/*"), files_of(killed.study, "tables/*")
    assert found.keys() == expected.keys()
    for name, table in expected.items():
        assert found[name].read_text() == table.read_text(), name


@pytest.mark.parametrize("folder", ["metrics", "raters", "statistics", "resection"])
def test_the_numbers_behind_them_too(killed: Ordeal, unbroken: Unbroken, folder: str) -> None:
    expected, found = (files_of(study, f"{folder}/**/*.parquet") for study in (unbroken.study, killed.study))
    assert found.keys() == expected.keys()
    for name, numbers in expected.items():
        pd.testing.assert_frame_equal(pd.read_parquet(found[name]), pd.read_parquet(numbers), rtol=1e-9, atol=1e-12)


def test_every_published_folder_holds_the_same_files(killed: Ordeal, unbroken: Unbroken) -> None:
    expected, found = (files_of(study, "**/manifest.json") for study in (unbroken.study, killed.study))
    assert found.keys() == expected.keys()
    differing = [name for name in expected if read_json(found[name])["files"] != read_json(expected[name])["files"]]
    assert not differing


def test_nothing_half_written_is_left(killed: Ordeal) -> None:
    names = {path.name for path in killed.study.folder.joinpath("results").rglob("*")}
    assert not {name for name in names if name.endswith((".part", ".old")) or ".writing-" in name}


def test_a_killed_training_went_on_from_its_last_checkpoint(killed: Ordeal) -> None:
    for strike in trainings_that_died(killed):
        log = (killed.study.folder / strike.job.log).read_text()
        begun_at = [int(epoch) for epoch in re.findall(r"^epoch (\d+)/", log, re.MULTILINE)]
        # Empty when it was killed once more, between publishing and Snakemake's taking note.
        assert begun_at[:1] >= [strike.epochs] or not begun_at, log


def trainings_that_died(killed: Ordeal) -> list[Strike]:
    died = (Form.GROUP, Form.JOB, Form.MAIN_THEN_JOBS)
    return [s for s in killed.strikes if s.job.rule == "train" and s.aim.moment.form in died]


def test_nothing_is_left_to_do(killed: Ordeal) -> None:
    assert killed.study.planned() == []
