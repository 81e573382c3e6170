"""A run of a study, and whether it still lives, as far as that can be told from here.

Numbers of processes mean something only in one PID namespace of one machine since it was started: a container has
numbers of its own, and two machines may have the same name.
"""

from __future__ import annotations

import os
import socket
import uuid
from datetime import datetime
from pathlib import Path

import psutil

from residua.cluster.slurm_job import job_lives
from residua.settings.base import Frozen

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS = Path("/proc/self/ns/pid")
_MACHINE = Path("/etc/machine-id")
_SAME_START_S = 2.0
_ENDED = ("Z", "X")


class StudyRun(Frozen):
    """A run: its process and where it runs; ``slurm`` names all its SLURM jobs, where it has any.

    ``ticks``: when the process began, by the clock that starts with the machine: nobody sets that one. 0: not known.
    ``numbers``: the PID namespace, in which ``process`` is a number. ``locked``: it holds a lock of the file system.
    ``inside``: the SLURM job in which the main process itself runs, and ``requeued`` how often that began again.
    ``stopped``: it ended by itself, while jobs of it may live. ``given_up``: somebody said that it is gone.
    """

    id: str
    host: str
    boot: str
    process: int
    began: float
    ticks: int = 0
    machine: str = ""
    numbers: str = ""
    locked: bool = False
    inside: str | None = None
    slurm_cluster: str | None = None
    requeued: int = 0
    slurm: str | None = None
    stopped: bool = False
    given_up: bool = False

    @classmethod
    def here(cls, locked: bool = False) -> StudyRun:
        """Return the run of this process."""
        return cls(
            id=str(uuid.uuid4()),
            host=socket.gethostname(),
            boot=_told(_BOOT) or socket.gethostname(),
            process=os.getpid(),
            began=psutil.Process().create_time(),
            ticks=_state_and_start(os.getpid())[1],
            machine=_told(_MACHINE),
            numbers=_numbers(),
            locked=locked,
            inside=os.environ.get("SLURM_JOB_ID"),
            slurm_cluster=os.environ.get("SLURM_CLUSTER_NAME"),
            requeued=int(os.environ.get("SLURM_RESTART_COUNT") or 0),
        )

    def __str__(self) -> str:
        inside = f" in SLURM job {self.inside}" if self.inside else ""
        return (
            f"process {self.process} on {self.host}{inside}, begun {datetime.fromtimestamp(self.began):%Y-%m-%d %H:%M}"
        )


def lives(run: StudyRun, locked: bool) -> bool | None:
    """Whether a run still lives, whose folder this process has ``locked`` or could not lock; None: cannot be told."""
    here = StudyRun.here()
    same_numbers = run.numbers == here.numbers
    if run.boot == here.boot:
        if same_numbers and (seen := _process_lives(run)) is not None:
            return seen
        if run.locked and locked:
            # In another container on this machine, or hidden: the lock would still be held.
            return False
    elif same_numbers and run.host == here.host and run.machine and run.machine == here.machine:
        # This machine was started again since.
        return False
    if not run.inside:
        return None
    if run.inside == here.inside:
        # SLURM begins a job again once it has ended on the other node.
        return False if here.requeued > run.requeued else None
    return job_lives(run.inside, run.slurm_cluster)


def _process_lives(run: StudyRun) -> bool | None:
    if run.ticks:
        state, ticks = _state_and_start(run.process)
        if not ticks and _is_there(run.process):
            return None
        # A dead process stays until its parent has asked how it ended, in some containers for ever.
        return ticks == run.ticks and state not in _ENDED
    try:
        return bool(abs(psutil.Process(run.process).create_time() - run.began) < _SAME_START_S)
    except psutil.Error:
        return False


def works(run: StudyRun | None) -> str:
    """Return the message that another run works in the folder."""
    who = f" ({run})" if run else ""
    end = f", or end it ({_ended_by(run)})" if run else ""
    return f"Another run works in this folder{who}. Wait for it{end}; then give the same command. Nothing was changed."


def _ended_by(run: StudyRun) -> str:
    # The same number is that of another process outside of its container: 1 is the first of the machine.
    where = "" if run.numbers == _numbers() else "in its container "
    more = f", or scancel {run.inside}" if run.inside else ""
    return f"Ctrl-C in its terminal, or kill {run.process} {where}on {run.host}{more}"


def cannot_be_seen(run: StudyRun) -> str:
    """Return the message that nothing can be told of a run."""
    here = socket.gethostname()
    there = f"on {run.host}" if run.host != here else "where it began"
    why = ""
    if run.host == here:
        why = ": it began in another container, on another machine of the same name, or under a user who is hidden here"
    inside = f"; nor does SLURM tell here whether its job {run.inside} lives" if run.inside else ""
    return (
        f"The last run in this folder ({run}) did not end by itself, and {here} cannot see whether it still "
        f"works{why}{inside}. Give the command {there}. If that run is gone for good, add --unlock to the "
        "command here once, then give the same command."
    )


def _state_and_start(process: int) -> tuple[str, int]:
    """Return the state of a process and when it began, in ticks since the machine did; 0: none, or no Linux."""
    fields = _told(Path("/proc", str(process), "stat")).rpartition(")")[2].split()
    return (fields[0], int(fields[19])) if len(fields) > 19 else ("", 0)


def _is_there(process: int) -> bool:
    """Return whether any process has this number: /proc may hide those of other users (``hidepid``)."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _numbers() -> str:
    return os.readlink(_NUMBERS) if _NUMBERS.exists() else ""


def _told(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
