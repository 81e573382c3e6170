"""Ten seeded moments at which the main process, its jobs or both are killed with -9, and the same command again.

Each of two studies is killed at five moments, one after the other, in different stages; together they fall into every
stage. ``make test`` kills one training only (test_ends.py), ``make test-faults`` runs this. RESIDUA_FAULT_SEED chooses
other moments.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aims import Form, Moment, choose_aims, epochs_of, seconds_of, stage_of
from micro_study import begin, forget
from outliving import Ordeal, Strike, none_left
from sameness import (
    NUMBERS,
    require_nothing_half_written,
    require_same_folders,
    require_same_numbers,
    require_same_tables,
)
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
pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


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


@pytest.fixture(scope="module", params=list(MOMENTS))
def killed(
    unbroken: Unbroken, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ordeal]:
    """A study that was killed at five moments and came to its end."""
    folder = tmp_path_factory.mktemp("killed")
    study = unbroken.before.copied(folder / "study")
    seconds = seconds_of(unbroken.study, unbroken.jobs)
    aims = choose_aims(MOMENTS[request.param], unbroken.jobs, seconds, epochs_of(study), f"{SEED} {request.param}")
    print(f"seed {SEED}:", *aims, sep="\n")
    with none_left(Ordeal(study, folder, aims)) as killed:
        killed.go_through()
        print("struck:", *(f"{strike.stage}: {strike.job.log}" for strike in killed.strikes), sep="\n")
        yield killed


def test_the_moments_fall_into_every_stage(unbroken: Unbroken) -> None:
    aimed_at = {stage for moments in MOMENTS.values() for moment in moments for stage in moment.stages}
    assert aimed_at == {stage_of(job) for job in unbroken.jobs}
    assert sum(map(len, MOMENTS.values())) == 10


def test_every_kill_met_an_unfinished_job_of_another_stage(killed: Ordeal) -> None:
    assert not killed.pending
    assert len({strike.stage for strike in killed.strikes}) == 5


def test_the_tables_are_those_of_the_unbroken_study(killed: Ordeal, unbroken: Unbroken) -> None:
    require_same_tables(unbroken.study, killed.study)


@pytest.mark.parametrize("folder", NUMBERS)
def test_the_numbers_behind_them_too(killed: Ordeal, unbroken: Unbroken, folder: str) -> None:
    require_same_numbers(unbroken.study, killed.study, folder)


def test_every_published_folder_holds_the_same_files(killed: Ordeal, unbroken: Unbroken) -> None:
    require_same_folders(unbroken.study, killed.study)


def test_nothing_half_written_is_left(killed: Ordeal) -> None:
    require_nothing_half_written(killed.study)


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
