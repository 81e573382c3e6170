"""The SLURM executor's jobs, where SLURM does not answer; tests/slurm has them on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from residua.cluster.submission import outlast_controller, try_preempted_again


class Executor:
    """What is used of Snakemake's: its checks are over at once, as of version 2.8 where no query is answered."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self._preemption_warning = False

    def report_job_success(self, job_info: str) -> None:
        self.ended.append(job_info)

    def report_job_error(self, job_info: str, msg: str = "") -> None:
        self.ended.append(job_info)

    def _report_job_error_threadsafe(self, job_info: str, msg: str) -> None:
        self.report_job_error(job_info, msg)

    async def check_active_jobs(self, active_jobs: list[str]) -> AsyncIterator[str]:
        for job in active_jobs:
            if job == "is done":
                self.report_job_success(job)
            elif job == "has failed":
                self.report_job_error(job, msg="failed")
            elif job == "still runs":
                yield job


def test_jobs_of_which_nothing_is_heard_are_asked_about_again() -> None:
    executor = Executor()
    outlast_controller(executor, lambda: False, print)

    async def active(jobs: list[str]) -> list[str]:
        return [job async for job in executor.check_active_jobs(jobs)]

    assert asyncio.run(active(["is done", "unknown", "still runs", "has failed"])) == ["still runs", "unknown"]
    assert executor.ended == ["is done", "has failed"]
    assert asyncio.run(active(["still runs", "unknown"])) == ["still runs", "unknown"]


def test_other_errors_of_a_submission_are_errors() -> None:
    executor = Executor()
    outlast_controller(executor, lambda: False, print)
    executor._report_job_error_threadsafe("job", "sbatch: error: Invalid account")
    assert executor.ended == ["job"]


@pytest.mark.parametrize(("seen", "left"), [(False, ["7", "8"]), (True, ["8"])])
def test_a_preempted_job_that_slurm_does_not_queue_again_has_ended(
    seen: bool, left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    squeue = tmp_path / "squeue"
    squeue.write_text('#!/bin/sh\ncase "$*" in *--states=PREEMPTED*) echo 6; echo 7;; esac\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    executor = Executor()
    executor._preemption_warning = seen
    both = [SimpleNamespace(external_jobid=number) for number in ("7", "8")]

    async def check(jobs: list[SimpleNamespace]) -> AsyncIterator[SimpleNamespace]:
        for job in jobs:
            yield job

    executor.check_active_jobs = check  # type: ignore[method-assign, assignment]
    try_preempted_again(executor)

    async def active() -> list[str]:
        return [job.external_jobid async for job in executor.check_active_jobs(both)]  # type: ignore[arg-type, attr-defined]

    assert asyncio.run(active()) == left
    assert executor.ended == both[: 2 - len(left)]
