"""Jobs of PBS, LSF and Grid Engine on record, so that they are known after their run died.

Each is written down as it is submitted, under a lock, and only while its run is the latest of the folder. The record
goes when none of them lives.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from residua.cluster.claim import FOLDER, latest_run
from residua.cluster.orphans import NAMED, WAITED_FOR
from residua.cluster.schedulers import CANCEL, SCHEDULERS, NoAnswerError, has_ended, status
from residua.errors import ResiduaError
from residua.problems.first_few import first_few

SUBMITTER = "RESIDUA_SUBMITTER"
"""Environment variable of a run that submits: its id."""
_RECORD, _LOCK = "submitted", "submitted.lock"
_ANSWER_S = 120
_LOOK_S = (2.0, 30.0)
_NOBODY = "-"
"""In place of a run that was not named."""
_MOST = 20
"""Jobs that one command cancels."""


@dataclass(frozen=True)
class Submitted:
    """A job that was submitted: its scheduler, its identifier there, and the run that submitted it."""

    kind: str
    number: str
    run: str


def put_on_record(kind: str, submit: Callable[[], str], study: Path = Path(".")) -> str:
    """Submit a job, write its identifier down, and return it.

    Raises ``ResiduaError`` where another run has taken the folder since.
    """
    with _locked(study), _deaf_to_terminal():
        mine, latest = os.environ.get(SUBMITTER), latest_run(study)
        if mine and (latest is None or latest.id != mine):
            raise ResiduaError("the run of this job has ended: the job is not submitted")
        number = submit()
        with open(study / FOLDER / _RECORD, "a", encoding="utf-8") as record:
            record.write(f"{kind} {number} {mine or _NOBODY}\n")
            record.flush()
            os.fsync(record.fileno())
    return number


@contextmanager
def _deaf_to_terminal() -> Iterator[None]:
    """Hear no Ctrl-C, which reaches all processes of the terminal: no job may be submitted and not written down."""
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def settle_submitted(orphans: Literal["wait", "cancel"], say: Callable[[str], None], study: Path = Path(".")) -> None:
    """See that no job on record lives: each is waited for, or cancelled. ``study`` is the working directory.

    Raises ``ResiduaError`` where the scheduler does not tell.
    """
    if not (study / FOLDER / _RECORD).exists():
        return
    with _locked(study):
        left, told, pause = _on_record(study), -1, _LOOK_S[0]
    cancelled = False
    while left := [job for job in left if _lives(job)]:
        if orphans == "cancel" and not cancelled:
            cancelled = True
            say(f"Jobs of the last run are cancelled: {_listed(left)}.")
            _cancel(left)
        elif told != len(left):
            say(f"Jobs of the last run still live: {_listed(left)}. " + ("" if cancelled else WAITED_FOR))
        told = len(left)
        time.sleep(pause)
        pause = min(pause * 1.5, _LOOK_S[1])
    forget_submitted(study)


def cancel_submitted(run: str, study: Path = Path(".")) -> None:
    """Cancel the jobs of a run, by its ``id``, that have not said how they ended; ``study`` is the working directory.

    Those of an earlier run, for which this one waited, are left to the next.
    """
    _cancel([job for job in _open(study) if job.run == run])


def any_submitted(study: Path = Path(".")) -> bool:
    """Whether a job on record has not said how it ended; ``study`` is the working directory."""
    return bool(_open(study))


def forget_submitted(study: Path = Path(".")) -> None:
    """Remove the record: no job on it lives."""
    (study / FOLDER / _RECORD).unlink(missing_ok=True)


def _on_record(study: Path) -> list[Submitted]:
    file = study / FOLDER / _RECORD
    if not file.exists():
        return []
    # A last line that was not written whole names no job.
    lines = [line.split() for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [Submitted(*line) for line in lines if len(line) == 3 and line[0] in SCHEDULERS]


def _open(study: Path) -> list[Submitted]:
    return [job for job in _on_record(study) if not has_ended(job.number)]


def _lives(job: Submitted) -> bool:
    try:
        return status(SCHEDULERS[job.kind], job.number, 0, _ANSWER_S) == "running"
    except NoAnswerError as error:
        raise ResiduaError(
            f"The last run had jobs, and whether job {job.number} lives cannot be told ({error}). "
            "Give the same command again when the scheduler answers, on a machine that has it."
        ) from None


def _cancel(jobs: list[Submitted]) -> None:
    for kind in SCHEDULERS:
        numbers = [job.number for job in jobs if job.kind == kind]
        for start in range(0, len(numbers), _MOST):
            # One that has ended by now is an error for qdel; whoever waits sees what lives.
            with suppress(OSError, subprocess.SubprocessError):
                subprocess.run(
                    [CANCEL[kind], *numbers[start : start + _MOST]], capture_output=True, timeout=_ANSWER_S, check=False
                )


def _listed(jobs: list[Submitted]) -> str:
    return first_few([job.number for job in jobs], NAMED)


@contextmanager
def _locked(study: Path) -> Iterator[None]:
    """Submit alone; a submission that outlived its run is waited for."""
    (study / FOLDER).mkdir(parents=True, exist_ok=True)
    with open(study / FOLDER / _LOCK, "a", encoding="utf-8") as lock:
        # Where the file system has no locks, the identity of the run alone decides.
        with suppress(OSError):
            fcntl.lockf(lock, fcntl.LOCK_EX)
        yield
