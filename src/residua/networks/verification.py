"""Verify the data of a training in threads beside it, so that no graphics card waits for it.

Until all files are verified, what the training leaves may come of a damaged one. What its folder held before is kept
for so long, and comes back where a file is found damaged or the training was killed before all were verified.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock

from residua.networks.unchanged import threads_of_job

Verify = Callable[[Path, str], None]
"""Raises an error for a file that has not this digest."""
Progress = Callable[[int, int], None]

_KEPT = ".before-verification"


class DataVerification:
    """Verifies files in threads from the start; ``verified`` is called once all of them are sound."""

    def __init__(self, files: Mapping[Path, str], verify: Verify, verified: Callable[[], None]) -> None:
        """Start with the first file."""
        self._verify, self._verified = verify, verified
        self._left, self._lock, self._ended = len(files), Lock(), Event()
        self._threads = ThreadPoolExecutor(threads_of_job())
        self._running: list[Future[None]] = [self._threads.submit(self._one, *each) for each in files.items()]
        if not files:
            verified()

    def _one(self, file: Path, expected: str) -> None:
        if self._ended.is_set():
            return
        self._verify(file, expected)
        with self._lock:
            self._left -= 1
            if not self._left:
                self._verified()

    def require(self) -> None:
        """Raise the error of a file that is known to be damaged by now."""
        for each in self._running:
            if each.done() and (error := each.exception()) is not None:
                raise error

    def finish(self) -> None:
        """Wait for all files. Raises what was found first, in their order."""
        for each in self._running:
            each.result()

    def end(self) -> None:
        """Verify nothing more."""
        self._ended.set()
        self._threads.shutdown()

    def watched(self, progress: Progress) -> Progress:
        """Return a progress that ends the training as soon as a file is known to be damaged."""

        def watch(done: int, total: int) -> None:
            self.require()
            progress(done, total)

        return watch


@contextmanager
def verified_beside(files: Mapping[Path, str], folder: Path, verify: Verify) -> Iterator[DataVerification]:
    """Verify the files that the block reads while it writes into ``folder``; at its end wait for the last of them.

    Raises what ``verify`` raised for a file; the folder is then as it was before the block.
    """
    forget_unverified(folder)
    _keep(folder)
    verification = DataVerification(files, verify, lambda: _drop(folder))
    try:
        yield verification
        verification.finish()
    finally:
        verification.end()
        _raise_damage(verification, folder)


def _raise_damage(verification: DataVerification, folder: Path) -> None:
    """Raise the error of a damaged file, which outranks what else ended the training: it may be its cause."""
    try:
        verification.require()
    except BaseException:
        forget_unverified(folder)
        raise


def forget_unverified(folder: Path) -> None:
    """Bring a folder back to what it held before a training on data that were never verified."""
    kept = folder / _KEPT
    if not kept.is_dir():
        return
    before = {file.relative_to(kept) for file in _files_in(kept)}
    for file in _files_in(folder):
        name = file.relative_to(folder)
        if name not in before and kept not in file.parents:
            file.unlink()
    for name in before:
        beside = folder / f"{name}.kept"
        beside.unlink(missing_ok=True)
        _linked(kept / name, beside)
        beside.replace(folder / name)
        # Two names of one file: there was nothing to replace.
        beside.unlink(missing_ok=True)
    _drop(folder)


def _keep(folder: Path) -> None:
    """Keep the files of a folder. They are replaced, never written into, so that a second name keeps their content."""
    building = folder / f"{_KEPT}.new"
    shutil.rmtree(building, ignore_errors=True)
    files = _files_in(folder)
    building.mkdir()
    for file in files:
        place = building / file.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        _linked(file, place)
    building.rename(folder / _KEPT)


def _drop(folder: Path) -> None:
    # Renamed first: half of it must not count as what the folder held.
    dropped = folder / f"{_KEPT}.new"
    shutil.rmtree(dropped, ignore_errors=True)
    (folder / _KEPT).rename(dropped)
    shutil.rmtree(dropped)


def _files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def _linked(file: Path, place: Path) -> None:
    try:
        os.link(file, place)
    except OSError:
        # A file system without a second name for a file.
        shutil.copy2(file, place)
