"""One run at a time in a study's folder: who runs there is on record, and a run that died is known to be dead.

A lock of the system says whether a run of this machine lives, because it ends with its process. The record says whose
it is, and decides alone where the file system has no locks.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import uuid
from datetime import datetime
from pathlib import Path
from typing import IO

import psutil
from pydantic import ValidationError

from residua.errors import ResiduaError
from residua.publishing.publish import write_text
from residua.settings.base import Frozen

FOLDER = Path(".snakemake", "residua")
"""Where the record and the lock lie, relative to the folder of the study."""
_RECORD, _LOCK = "run.json", "run.lock"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_HELD = (errno.EACCES, errno.EAGAIN)
_SAME_START_S = 2.0


class StudyRun(Frozen):
    """A run: its process and where it runs; ``slurm`` names all its SLURM jobs, where it has any.

    ``stopped``: it ended by itself, while jobs of it may live. ``given_up``: somebody said that it is gone.
    """

    id: str
    host: str
    boot: str
    process: int
    began: float
    slurm: str | None = None
    stopped: bool = False
    given_up: bool = False

    @classmethod
    def here(cls) -> StudyRun:
        """Return the run of this process."""
        began = psutil.Process().create_time()
        return cls(id=str(uuid.uuid4()), host=socket.gethostname(), boot=_boot(), process=os.getpid(), began=began)

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, begun {datetime.fromtimestamp(self.began):%Y-%m-%d %H:%M}"


class _Record(Frozen):
    """The latest run, and earlier ones whose jobs may live."""

    run: StudyRun
    before: tuple[StudyRun, ...] = ()


class Claim:
    """The folder, taken by this process until it ends."""

    def __init__(self, folder: Path, lock: IO[str], record: _Record) -> None:
        """Take over the open ``lock``; ``claim_folder`` makes one."""
        self._folder, self._lock, self._record = folder, lock, record

    @property
    def run(self) -> StudyRun:
        """The run of this process."""
        return self._record.run

    @property
    def study(self) -> Path:
        """The folder itself, from the root."""
        return self._folder.parents[1]

    @property
    def before(self) -> tuple[StudyRun, ...]:
        """Runs that died or were stopped, whose jobs may live."""
        return self._record.before

    def note(self) -> None:
        """Write the record."""
        write_text(self._folder / _RECORD, self._record.model_dump_json(indent=1) + "\n")

    def nothing_is_left(self) -> None:
        """Note that no job of an earlier run lives."""
        self._write(self._record.model_copy(update={"before": ()}))

    def note_slurm(self, name: str) -> None:
        """Note the name of all SLURM jobs that this run will submit."""
        self._write(self._record.model_copy(update={"run": self.run.model_copy(update={"slurm": name})}))

    def release(self, jobs_live: bool) -> None:
        """Give the folder up; it stays on record while jobs of this run or of earlier ones may live."""
        if jobs_live or self.before:
            self._write(self._record.model_copy(update={"run": self.run.model_copy(update={"stopped": True})}))
        else:
            (self._folder / _RECORD).unlink(missing_ok=True)
        self._lock.close()

    def _write(self, record: _Record) -> None:
        self._record = record
        self.note()


def claim_folder(study: Path = Path(".")) -> Claim:
    """Take the folder of a study for this process.

    Raises ``ResiduaError`` where another run works in it, or began on another machine and may work.
    """
    # Snakemake changes back from the folder of the study before the process ends.
    folder = (study / FOLDER).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    lock = _locked(folder, _read(folder))
    try:
        # Only now: another run may have come and died since.
        earlier = _read(folder)
        if earlier is not None:
            _require_dead(earlier.run)
        # An orderly end removes its record: what there is tells of runs that died or were stopped.
        before = (earlier.run, *earlier.before) if earlier else ()
        claim = Claim(folder, lock, _Record(run=StudyRun.here(), before=before))
        claim.note()
    except BaseException:
        lock.close()
        raise
    return claim


def latest_run(study: Path = Path(".")) -> StudyRun | None:
    """Return the run that took the folder last, if it is on record. May raise ``ResiduaError``."""
    record = _read(study / FOLDER)
    return record.run if record else None


def give_up(study: Path = Path(".")) -> None:
    """Take the word of a person that the last run is gone (``--unlock``).

    Raises ``ResiduaError`` where it lives on this machine.
    """
    folder = study / FOLDER
    earlier = _read(folder)
    if earlier is None:
        return
    with _locked(folder, earlier):
        earlier = _read(folder) or earlier
        if _lives_here(earlier.run):
            raise ResiduaError(_works(earlier.run))
        gone = earlier.run.model_copy(update={"given_up": True})
        write_text(folder / _RECORD, earlier.model_copy(update={"run": gone}).model_dump_json(indent=1) + "\n")


def _read(folder: Path) -> _Record | None:
    file = folder / _RECORD
    try:
        return _Record.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError):
        what = f"{file}: not a record of a run"
        raise ResiduaError(f"{what}; remove it when no run works in this folder, then give the same command") from None


def _locked(folder: Path, earlier: _Record | None) -> IO[str]:
    stream = open(folder / _LOCK, "a", encoding="utf-8")  # noqa: SIM115 (open until the process ends)
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # A file system without locks: the record alone decides.
        if error.errno in _HELD:
            stream.close()
            raise ResiduaError(_works(earlier.run if earlier else None)) from None
    return stream


def _require_dead(run: StudyRun) -> None:
    if run.given_up or run.stopped:
        return
    if _lives_here(run):
        raise ResiduaError(_works(run))
    if run.host != socket.gethostname() and run.boot != _boot():
        raise ResiduaError(
            f"The last run in this folder ({run}) did not end by itself, and {socket.gethostname()} cannot see whether "
            f"it still works. Give the command on {run.host}. If that run is gone for good, add --unlock to the "
            "command here once, then give the same command."
        )


def _lives_here(run: StudyRun) -> bool:
    if run.boot != _boot():
        return False
    try:
        return bool(abs(psutil.Process(run.process).create_time() - run.began) < _SAME_START_S)
    except psutil.Error:
        return False


def _works(run: StudyRun | None) -> str:
    who = f" ({run})" if run else ""
    end = f", or end it (Ctrl-C in its terminal, or kill {run.process} on {run.host})" if run else ""
    return f"Another run works in this folder{who}. Wait for it{end}; then give the same command. Nothing was changed."


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return socket.gethostname()
