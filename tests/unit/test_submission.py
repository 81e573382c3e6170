"""The SLURM executor's jobs, where SLURM does not answer; tests/slurm has them on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from residua.cluster.submission import outlast_controller


class Executor:
    """What is used of Snakemake's: its checks are over at once, as of version 2.8 where no query is answered."""

    def __init__(self) -> None:
        self.ended: list[str] = []

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
