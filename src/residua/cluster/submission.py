"""Jobs of Snakemake's SLURM executor that it would lose: while the controller is away, and when they are pre-empted."""

from __future__ import annotations

import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

_AWAY = "Unable to contact slurm controller (connect failure)"
"""Nothing has reached the controller. After other failures, such as an answer that came too late, the job may exist."""
_LOOK_S = 10.0
_PREEMPTED = "SLURM job {} was pre-empted, and SLURM does not queue it again."


def outlast_controller(executor: Any, gives_up: Callable[[], bool], say: Callable[[str], None]) -> None:
    """Let Snakemake's SLURM ``executor`` wait for a controller that is away, unless the run ``gives_up``."""
    _submit_again(executor, gives_up, say)
    _forget_no_job(executor)


def try_preempted_again(executor: Any) -> None:
    """Let Snakemake's SLURM ``executor`` see that a job has ended which was pre-empted and not queued again.

    Where ``PreemptMode`` is ``CANCEL``, the executor would wait for ever for SLURM to resume it.
    """
    check = executor.check_active_jobs

    async def check_all(active_jobs: Sequence[Any]) -> AsyncIterator[Any]:
        still_active = [job_info async for job_info in check(active_jobs)]
        ended = _preempted() if executor._preemption_warning else set()
        for job_info in still_active:
            if job_info.external_jobid in ended:
                executor.report_job_error(job_info, msg=_PREEMPTED.format(job_info.external_jobid))
            else:
                yield job_info

    executor.check_active_jobs = check_all


def _submit_again(executor: Any, gives_up: Callable[[], bool], say: Callable[[str], None]) -> None:
    """Submit a job again once the controller answers: each try would use up a retry, within half a minute all."""
    report = executor._report_job_error_threadsafe

    def report_or_submit_again(job_info: Any, msg: str) -> None:
        if _AWAY not in msg:
            report(job_info, msg)
            return
        say(f"SLURM's controller does not answer: {job_info.job.name} is submitted when it does.")
        while not _answers():
            if gives_up():
                report(job_info, msg)
                return
            time.sleep(_LOOK_S)
        executor.run_job(job_info.job)

    executor._report_job_error_threadsafe = report_or_submit_again


def _forget_no_job(executor: Any) -> None:
    """Ask again about jobs of which nothing was heard: where no query is answered, the executor drops them all.

    Their ends would never be noticed, and the run would wait for ever.
    """
    check, ended = executor.check_active_jobs, set[int]()

    def noting(report: Callable[..., None]) -> Callable[..., None]:
        def noted(job_info: Any, *args: Any, **more: Any) -> None:
            ended.add(id(job_info))
            report(job_info, *args, **more)

        return noted

    async def check_all(active_jobs: Sequence[Any]) -> AsyncIterator[Any]:
        ended.clear()
        still_active = [job_info async for job_info in check(active_jobs)]
        heard_of = ended | set(map(id, still_active))
        for job_info in [*still_active, *(each for each in active_jobs if id(each) not in heard_of)]:
            yield job_info

    executor.report_job_success = noting(executor.report_job_success)
    executor.report_job_error = noting(executor.report_job_error)
    executor.check_active_jobs = check_all


def _answers() -> bool:
    asked = subprocess.run(["squeue", "--me", "--noheader", "--name=none"], capture_output=True, text=True)
    return _AWAY.partition(" (")[0] not in asked.stderr


def _preempted() -> set[str]:
    """Return the user's jobs that ended so. One that is queued again waits or runs, under the same number."""
    asked = subprocess.run(
        ["squeue", "--me", "--noheader", "--states=PREEMPTED", "--format=%i"], capture_output=True, text=True
    )
    return set(asked.stdout.split())
