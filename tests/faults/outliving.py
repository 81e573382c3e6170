"""Kill a study at several moments, give the same command again, and let it come to its end."""

from __future__ import annotations

import fcntl
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aims import Aim, Form, epochs_done, stage_of
from attempts import POLL_S, Attempt, process, signalled, wait_until
from studies import Job, Study

STILL_BUILDING = "another process is still building this folder"
LOCKED = "Directory cannot be locked"
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
    _slow: dict[int, bool] = field(default_factory=dict)
    """Processes of jobs that outlive their main process and stand still; whether they hold the folder they build."""

    def go_through(self) -> None:
        """Give the same command until it ends well, and strike while it runs."""
        while not self._attempt():
            assert len(self.attempts) <= 3 * (len(self.strikes) + len(self.pending)), self.attempts[-1].said

    def _attempt(self) -> bool:
        attempt = Attempt(self.study, self.outputs / f"attempt{len(self.attempts)}.txt")
        orphans = [earlier for earlier in self.attempts if earlier.processes()]
        self.attempts.append(attempt)
        self._failing = []
        for aim in self.pending:
            aim.start_again()
        while attempt.returncode is None:
            self._watch(attempt)
            time.sleep(POLL_S)
        if attempt.returncode == -signal.SIGKILL:
            self._unlock()
            return False
        self._check_the_end(attempt, orphans)
        if attempt.returncode != 0 or orphans:
            return False
        self._undo_what_was_missed()
        return not self.pending

    def _watch(self, attempt: Attempt) -> None:
        running = attempt.jobs()
        for aim in list(self.pending):
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
                attempt.kill_all(but=pid)
                self._slow[pid] = held(self.study.folder / job.outputs[0])
            case Form.MAIN | Form.MAIN_THEN_JOBS:
                attempt.kill_main()
                signalled(pid, signal.SIGCONT)
        if aim.moment.form is Form.MAIN_THEN_JOBS:
            time.sleep(AFTERWARDS_S)
            attempt.kill_all()
        return True

    def _undo_what_was_missed(self) -> None:
        """A job that was over before its moment is done once more, and struck as soon as it is seen."""
        for aim in self.pending:
            for output in aim.jobs[0].outputs:
                (self.study.folder / output).unlink()

    def _unlock(self) -> None:
        """As the README says: the same command with --unlock. Without it, Snakemake must not begin."""
        if self.strikes[-1].aim.moment.form is Form.GROUP:
            refused = self.study.snakemake()
            assert refused.returncode != 0
            assert LOCKED in refused.stdout + refused.stderr
        unlocked = self.study.snakemake("--unlock")
        assert unlocked.returncode == 0, unlocked.stdout + unlocked.stderr

    def _check_the_end(self, attempt: Attempt, orphans: Sequence[Attempt]) -> None:
        """An attempt that was not killed ends well, or says which job was, or who still works."""
        said = attempt.said
        in_the_way = orphans if STILL_BUILDING in said else []
        assert (attempt.returncode != 0) == bool(self._failing or in_the_way), said
        assert in_the_way or not any(self._slow.values()), said
        assert all(f"Error in rule {job.rule}" in said for job in self._failing), said
        for pid in self._slow:
            signalled(pid, signal.SIGCONT)
        self._slow.clear()
        for earlier in orphans:
            earlier.wait_for_all()


def held(manifest: Path) -> bool:
    """Whether some process is building the folder of ``manifest``."""
    lock = manifest.parent.with_name(f"{manifest.parent.name}.lock")
    if not lock.exists():
        return False
    with lock.open("r+") as stream:
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


@contextmanager
def ordeal(study: Study, outputs: Path, aims: Sequence[Aim]) -> Iterator[Ordeal]:
    """The killed study, finished; whatever happens, no process stays."""
    ordeal = Ordeal(study, outputs, list(aims))
    try:
        yield ordeal
    finally:
        for attempt in ordeal.attempts:
            attempt.kill_all()
