"""The scheduler of a long study looks for work when a job ends, not ever more often."""

from __future__ import annotations

import subprocess
import sys

import pytest

from studies import Study

COUNTING = """
import sys
from snakemake.cli import main
from snakemake.scheduling.job_scheduler import JobScheduler

passes, select = [], JobScheduler.job_selector
planted, plant = [], JobScheduler._schedule_reevalutation
JobScheduler.job_selector = lambda self, jobs: passes.append(len(jobs)) or select(self, jobs)
JobScheduler._schedule_reevalutation = lambda self, delay: planted.append(delay) or plant(self, delay)
try:
    main(sys.argv[1:])
finally:
    print("passes", len(passes), "planted", len(planted))
"""


@pytest.mark.parametrize(
    ("asked", "limited"),
    [
        ((), False),
        pytest.param(("--max-jobs-per-timespan", "50/1s"), True, marks=pytest.mark.long),
    ],
)
def test_a_pass_of_the_scheduler_plants_no_other(fresh: Study, asked: tuple[str, ...], limited: bool) -> None:
    _, *arguments = fresh.command(*asked, "--", "results/cohort/folds.json")
    command = [sys.executable, "-c", COUNTING, *arguments]
    done = subprocess.run(command, cwd=fresh.house, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    passes, planted = map(int, done.stdout.split()[-3::2])
    assert (planted > 0) == limited
    if not limited:
        assert passes <= 2 * len(fresh.planned("--forceall", "results/cohort/folds.json")) + 2
