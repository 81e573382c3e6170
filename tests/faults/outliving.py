"""Kill a study at several moments, give the same command again, and let it come to its end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aims import Aim, Form, epochs_done, stage_of
from attempts import POLL_S, Attempt, process, signalled, wait_until
from residua.cluster.leaving import STOPPED
from studies import Job, Study

STILL_BUILDING = "another process is still building this folder"
AFTERWARDS_S = 0.2
"""For how long jobs outlive their main process when they are killed after it."""


@dataclass(frozen=True)
class Strike:
    """An aim, the job that it met before its outputs were there, and the epochs that a training had done."""

    aim: Aim
    job: Job
    epochs: int

    @property
    def stage(self) -> str:
        return stage_of(self.job)


@dataclass
class Ordeal:
    """A study that is killed again and again; every attempt is known, so that none leaves a process behind."""

    study: Study
    outputs: Path
    pending: list[Aim]
    strikes: list[Strike] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    _failing: list[Job] = field(default_factory=list)
    """Jobs that were killed alone in the present attempt."""
    _once_more: list[str] = field(default_factory=list)
    """Outputs that were removed after all was made: nothing makes those that only finished files need, if not asked."""
    _told_to_end: bool = False
    """Whether the present attempt was asked to leave."""

    def go_through(self) -> None:
        """Give the same command until it ends well, and strike while it runs."""
        while not self._attempt():
            assert len(self.attempts) <= 3 * (len(self.strikes) + len(self.pending)), self.attempts[-1].said

    def _attempt(self) -> bool:
        targets = ("all", *self._once_more) if self._once_more else ()
        attempt = Attempt(self.study, self.outputs / f"attempt{len(self.attempts)}.txt", targets)
        after_a_kill = bool(self.attempts) and self.attempts[-1].returncode == -signal.SIGKILL
        self.attempts.append(attempt)
        self._failing, self._told_to_end = [], False
        for aim in self.pending:
            aim.start_again()
        while attempt.returncode is None:
            self._watch(attempt)
            time.sleep(POLL_S)
        if attempt.returncode == -signal.SIGKILL:
            return False
        self._check_the_end(attempt, after_a_kill)
        if attempt.returncode != 0 or self._told_to_end:
            return False
        self._undo_what_was_missed()
        return not self.pending

    def _watch(self, attempt: Attempt) -> None:
        running = attempt.jobs()
        if running:
            assert not any(earlier.processes() for earlier in self.attempts[:-1]), "two jobs might write one output"
        # While its jobs leave, no job has come as far as an aim says.
        for aim in [] if self._told_to_end else list(self.pending):
            job = aim.due(running, self.study.folder)
            if job is not None and self._strike(attempt, aim, job, running[job.log]):
                return

    def _strike(self, attempt: Attempt, aim: Aim, job: Job, pid: int) -> bool:
        """Hold the job, see that it has not published, and kill; a job that is through is let go."""
        signalled(pid, signal.SIGSTOP)
        wait_until(lambda: (found := process(pid)) is None or found.state == "T")
        if process(pid) is None or all((self.study.folder / output).exists() for output in job.outputs):
            signalled(pid, signal.SIGCONT)
            return False
        epochs = epochs_done(self.study.folder / job.outputs[0]) if job.rule == "train" else 0
        self.pending.remove(aim)
        self.strikes.append(Strike(aim, job, epochs))
        match aim.moment.form:
            case Form.JOB:
                self._failing.append(job)
                signalled(pid, signal.SIGKILL)
            case Form.GROUP:
                attempt.kill_all()
            case Form.MAIN_OF_A_SLOW_JOB:
                # It stands still until the next call lets it hear that it is to leave.
                attempt.kill_all(but=pid)
            case Form.MAIN | Form.MAIN_THEN_JOBS:
                attempt.kill_main()
                signalled(pid, signal.SIGCONT)
            case Form.INTERRUPTED | Form.ASKED_TO_END:
                signalled(pid, signal.SIGCONT)
                attempt.tell_to_end(everyone=aim.moment.form is Form.INTERRUPTED)
                self._told_to_end = True
        if aim.moment.form is Form.MAIN_THEN_JOBS:
            time.sleep(AFTERWARDS_S)
            attempt.kill_all()
        return True

    def _undo_what_was_missed(self) -> None:
        """A job that was over before its moment is done once more, and struck as soon as it is seen."""
        for aim in self.pending:
            for output in aim.jobs[0].outputs:
                (self.study.folder / output).unlink()
                self._once_more.append(output)

    def _check_the_end(self, attempt: Attempt, after_a_kill: bool) -> None:
        """An attempt that was not killed ends well, or says which job was, or that it was stopped with all its jobs."""
        said = attempt.said
        # What was told to end left no record behind, as what was killed does.
        assert ("The last run in this folder was killed" in said) == after_a_kill, said
        assert (STOPPED in said) == self._told_to_end, said
        assert not (self._told_to_end and attempt.jobs()), said
        # Told to end, it may have had nothing left to do.
        assert self._told_to_end or (attempt.returncode != 0) == bool(self._failing), said
        assert STILL_BUILDING not in said
        assert all(f"Error in rule {job.rule}" in said for job in self._failing), said


@contextmanager
def none_left(ordeal: Ordeal) -> Iterator[Ordeal]:
    """Whatever happens, no process of the killed study stays."""
    try:
        yield ordeal
    finally:
        for attempt in ordeal.attempts:
            attempt.kill_all()
