"""The state of one job, for Snakemake: a question that fails or hangs ends no run. Standard library alone."""

from __future__ import annotations

import sys

from residua.cluster.schedulers import NoAnswerError, Scheduler, Status, status


def status_or_running(scheduler: Scheduler, job: str, patience_s: float, answer_s: float = 120) -> Status:
    """Return how a job is; running where its scheduler cannot be asked, or has no answer within ``answer_s``.

    Why is told on standard error: any other exit of the command would end the whole run.
    """
    try:
        return status(scheduler, job, patience_s, answer_s)
    except (NoAnswerError, OSError) as error:
        print(error, file=sys.stderr)
        return "running"
