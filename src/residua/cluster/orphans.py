"""What a run that died left behind: processes of this machine, and SLURM jobs. No two jobs ever write one output."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from residua.cluster.study_run import StudyRun
from residua.cluster.with_run import MARK
from residua.errors import ResiduaError
from residua.problems.first_few import first_few
from residua.settings.machine import Orphans

WAITED_FOR = (
    "They are waited for. To cancel them instead: Ctrl-C, then the same command with --config "
    "machine='{orphans: cancel}'; trainings then go on from their last epoch."
)
NAMED = 10
"""Jobs that a message names."""
Say = Callable[[str], None]
_SHELLS = ("bash", "sh", "dash")
_PATIENCE_S = 180.0
"""How long a job may take to save and leave: a step of a training on processors, or a registration inside ITK."""
_LOOK_S, _LOOK_SLURM_S = 0.2, (2.0, 30.0)
_WAKES_S = 0.1


@dataclass(frozen=True)
class SlurmJob:
    """A job that SLURM has not ended: its number, its state in capitals, and the rule or group that it runs."""

    number: str
    state: str
    what: str

    @property
    def waits(self) -> bool:
        """Whether it has not begun."""
        return self.state == "PENDING"


def settle(run: StudyRun, orphans: Orphans, say: Say) -> None:
    """See that no job of a run that died lives: its processes here are ended, its SLURM jobs waited for or cancelled.

    What ``orphans: wait`` waits for has begun; jobs that wait in the queue are cancelled in any case. Raises
    ``ResiduaError`` where SLURM does not tell.
    """
    _end_processes(run, say)
    if run.slurm:
        _settle_slurm(run.slurm, orphans, say)


def processes_of(run: str) -> list[psutil.Process]:
    """Return the processes of this machine that came from a local run, by its ``id``; not its main process."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(f"{run}:") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return [process for process in found if process.pid != os.getpid()]


def ask_to_leave(processes: list[psutil.Process], asked: set[int]) -> None:
    """Send SIGTERM to jobs; not to the shells that wait for them, nor to the helpers of a job, which end with it.

    Those whose numbers are in ``asked`` have heard it; the others are added.
    """
    own = {process.pid: process for process in processes}
    for process in processes:
        with suppress(psutil.Error):
            parent = own.get(process.ppid())
            is_job = process.name() not in _SHELLS and (parent is None or parent.name() in _SHELLS)
            if is_job and process.pid not in asked:
                asked.add(process.pid)
                _wake(process)
                process.send_signal(signal.SIGTERM)
                process.send_signal(signal.SIGCONT)


def _wake(process: psutil.Process) -> None:
    """Let a stopped process go on before it is asked: any of its threads may take a signal that waits meanwhile.

    Python listens in its main thread, and does not hear it there while that thread sleeps.
    """
    if process.status() == psutil.STATUS_STOPPED:
        process.send_signal(signal.SIGCONT)
        time.sleep(_WAKES_S)


def kill(processes: list[psutil.Process]) -> None:
    """End processes at once."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def _end_processes(run: StudyRun, say: Say) -> None:
    left = processes_of(run.id)
    if not left:
        return
    say(f"{len(left)} process(es) of that run still live; they are asked to save and to leave, and waited for.")
    until, asked = time.monotonic() + _PATIENCE_S, set[int]()
    while left := processes_of(run.id):
        ask_to_leave(left, asked)
        if time.monotonic() > until:
            kill(left)
        time.sleep(_LOOK_S)


def _settle_slurm(name: str, orphans: Orphans, say: Say) -> None:
    asked: set[str] = set()
    told, pause = -1, _LOOK_SLURM_S[0]
    while left := living_jobs(name):
        ending = {job.number for job in left if orphans == "cancel" or job.waits} - asked
        if ending:
            say(f"SLURM jobs of that run are cancelled: {_listed([job for job in left if job.number in ending])}.")
            _slurm("scancel", *sorted(ending))
            asked |= ending
        if told != len(left):
            told = len(left)
            say(_waiting([job for job in left if job.number not in asked]) or "Waiting until SLURM has ended them.")
        time.sleep(pause)
        pause = min(pause * 1.5, _LOOK_SLURM_S[1])


def _waiting(jobs: list[SlurmJob]) -> str:
    if not jobs:
        return ""
    return f"SLURM jobs of that run still work: {_listed(jobs)}. {WAITED_FOR}"


def _listed(jobs: list[SlurmJob]) -> str:
    return first_few([f"{job.number} ({job.what}, {job.state.lower()})" for job in jobs], NAMED)


def living_jobs(name: str) -> list[SlurmJob]:
    """Return the SLURM jobs of a run that have not ended; raise ``ResiduaError`` where SLURM does not tell."""
    said = _slurm("squeue", "--me", "--noheader", f"--name={name}", "--format=%i|%T|%k")
    return [SlurmJob(*line.strip().split("|", 2)) for line in said.splitlines() if line.strip()]


def cancel_all(name: str) -> None:
    """Cancel all SLURM jobs of a run. Raises ``ResiduaError`` where SLURM does not answer."""
    _slurm("scancel", f"--name={name}")


def _slurm(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            return done.stdout
        why = done.stderr.strip() or f"exit code {done.returncode}"
    except FileNotFoundError:
        why = "there is no such program on this machine"
    except subprocess.TimeoutExpired:
        why = "no answer within two minutes"
    raise ResiduaError(
        f"The last run had SLURM jobs, and whether any lives cannot be told ({command[0]}: {why}). Give the same "
        "command again when SLURM answers, on a machine that has it."
    )
