"""One run at a time in a study's folder: who runs there is on record, and a run that died is known to be dead.

A lock of the file system says whether a run of this machine lives, because it ends with its process. The record says
whose it is, and decides alone where the file system has no locks.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TypeVar

from pydantic import ValidationError

from residua.cluster.study_run import StudyRun, cannot_be_seen, lives, works
from residua.errors import ResiduaError
from residua.publishing.publish import HELD, write_text
from residua.settings.base import Frozen

FOLDER = Path(".snakemake", "residua")
"""Where the record and the lock lie, relative to the folder of the study."""
_RECORD, _LOCK = "run.json", "run.lock"
_AFTER, _COMES = "after-", "comes-"


class _Record(Frozen):
    """The latest run, and earlier ones whose jobs may live."""

    run: StudyRun
    before: tuple[StudyRun, ...] = ()


_AnyRecord = TypeVar("_AnyRecord", _Record, StudyRun)


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
        # On a full disk the record stays as it is: the next run finds that this one is dead.
        with suppress(OSError):
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

    Raises ``ResiduaError`` where another run works in it, or began elsewhere and may work.
    """
    # Snakemake changes back from the folder of the study before the process ends.
    folder = (study / FOLDER).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    lock, locked = _locked(folder, _read(folder))
    try:
        # Only now: another run may have come and died since.
        earlier = _read(folder)
        if earlier is not None:
            _require_dead(earlier.run, locked)
        # An orderly end removes its record: what there is tells of runs that died or were stopped.
        before = (earlier.run, *earlier.before) if earlier else ()
        claim = Claim(folder, lock, _Record(run=StudyRun.here(locked), before=before))
        with _before_others(folder, claim.run, earlier):
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

    Raises ``ResiduaError`` where it is seen to live.
    """
    folder = study / FOLDER
    if not folder.is_dir():
        return
    lock, locked = _locked(folder, _read(folder))
    with lock:
        earlier = _read(folder)
        successions = list(folder.glob(f"{_AFTER}*"))
        for run in [*map(_taker, successions), earlier and earlier.run]:
            if run and lives(run, locked):
                raise ResiduaError(works(run))
        if earlier:
            gone = earlier.run.model_copy(update={"given_up": True})
            write_text(folder / _RECORD, earlier.model_copy(update={"run": gone}).model_dump_json(indent=1) + "\n")
        for left in successions:
            left.unlink(missing_ok=True)


def _read(folder: Path) -> _Record | None:
    return _parsed(_Record, folder / _RECORD)


def _taker(succession: Path) -> StudyRun | None:
    return _parsed(StudyRun, succession)


def _parsed(model: type[_AnyRecord], file: Path) -> _AnyRecord | None:
    try:
        return model.model_validate_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (ValidationError, UnicodeDecodeError):
        what = f"{file}: not a record of a run"
        raise ResiduaError(f"{what}; remove it when no run works in this folder, then give the same command") from None


def _locked(folder: Path, earlier: _Record | None) -> tuple[IO[str], bool]:
    """Return the open lock, and whether it is held: a file system may have no locks."""
    stream = open(folder / _LOCK, "a", encoding="utf-8")  # noqa: SIM115 (open until the process ends)
    try:
        fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in HELD:
            stream.close()
            raise ResiduaError(works(earlier.run if earlier else None)) from None
        return stream, False
    return stream, True


@contextmanager
def _before_others(folder: Path, mine: StudyRun, earlier: _Record | None) -> Iterator[None]:
    """Let one process alone follow the ``earlier`` run on record, where no lock keeps two apart.

    The block writes the record. Whoever follows a run makes a file named after that run, which only one can make; who
    died between the two is followed in the same way. Whoever comes late finds another record than ``earlier``.
    """
    passed: list[Path] = []
    own = folder / f"{_COMES}{mine.id}"
    own.write_text(mine.model_dump_json(), encoding="utf-8")
    try:
        after = folder / f"{_AFTER}{_name(earlier)}"
        while not _made(own, after):
            taker = _taker(after)
            if taker is None:
                raise ResiduaError(works(None))
            _require_dead(taker, mine.locked)
            passed.append(after)
            after = folder / f"{_AFTER}{taker.id}"
        try:
            if _name(now := _read(folder)) != _name(earlier):
                raise ResiduaError(works(now.run if now else None))
            yield
            for each in passed:
                each.unlink(missing_ok=True)
        finally:
            after.unlink(missing_ok=True)
    finally:
        own.unlink(missing_ok=True)


def _name(record: _Record | None) -> str:
    return record.run.id if record else "nobody"


def _made(own: Path, after: Path) -> bool:
    """Give a file a second name, whole at once; return whether that name was free."""
    try:
        os.link(own, after)
    except FileExistsError:
        # An answer that a network lost is asked for again: the name may have come from here.
        return own.stat().st_nlink > 1
    except OSError:
        # A file system without second names.
        try:
            with open(after, "x", encoding="utf-8") as stream:
                stream.write(own.read_text(encoding="utf-8"))
        except FileExistsError:
            return False
    return True


def _require_dead(run: StudyRun, locked: bool) -> None:
    if run.given_up or run.stopped:
        return
    lively = lives(run, locked)
    if lively is not False:
        raise ResiduaError(works(run) if lively else cannot_be_seen(run))
