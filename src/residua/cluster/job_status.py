"""The state of one job, for Snakemake: a question that fails or hangs ends no run. Standard library alone."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from residua.cluster.schedulers import Scheduler, Status, status
from residua.errors import ResiduaError


class _NoAnswerError(Exception):
    """Not an ``OSError``, which says that a command cannot be started."""


def status_or_running(scheduler: Scheduler, job: str, patience_s: float, answer_s: int = 120) -> Status:
    """Return how a job is; running where its scheduler cannot be asked, or has no answer within ``answer_s``.

    Why is told on standard error: any other exit of the command would end the whole run.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise _NoAnswerError(f"{scheduler.query[0]}: no answer within {answer_s} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(answer_s)
    try:
        return status(scheduler, job, patience_s)
    except (ResiduaError, OSError, _NoAnswerError) as error:
        print(error, file=sys.stderr)
        return "running"
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
