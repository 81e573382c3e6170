"""Verify the data of a training in threads beside it, so that no graphics card waits for it.

Until all files are verified, what the training leaves may come of a damaged one: see ``Provisional``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Lock

from residua.errors import DamagedStageError
from residua.networks.provisional import Provisional
from residua.networks.unchanged import threads_of_job

Verify = Callable[[Path, str], None]
"""Raises ``DamagedStageError`` for a file that has not this digest, another error for one that it cannot read."""
Progress = Callable[[int, int], None]


class DataVerification:
    """Verifies files in threads from the start, and notes in ``provisional`` which are sound, and when all are."""

    def __init__(self, files: Mapping[Path, str], verify: Verify, provisional: Provisional) -> None:
        """Start with the first file."""
        self._verify, self._provisional = verify, provisional
        self._left, self._lock, self._ended = len(files), Lock(), Event()
        self._threads = ThreadPoolExecutor(threads_of_job())
        self._running: list[Future[None]] = [self._threads.submit(self._one, *each) for each in files.items()]
        if not files:
            provisional.settle()

    def _one(self, file: Path, expected: str) -> None:
        if self._ended.is_set():
            return
        self._verify(file, expected)
        with self._lock:
            self._left -= 1
            self._provisional.note(file)
            if not self._left:
                self._provisional.settle()

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
def verified_beside(
    files: Mapping[Path, str], folder: Path, verify: Verify, say: Callable[[str], None] = print, each: bool = False
) -> Iterator[DataVerification]:
    """Verify the files that the block reads while it writes into ``folder``; at its end wait for the last of them.

    Files that an interrupted block verified before are not verified again, unless ``verify`` is to have ``each``.
    Raises what ``verify`` raised for a file; where that is damaged, the folder is as it was before all was verified.
    """
    provisional = Provisional(folder)
    before = provisional.begin(files, say)
    order = sorted(files, key=lambda file: file in before)
    verification = DataVerification(
        {file: files[file] for file in order if each or file not in before}, verify, provisional
    )
    try:
        yield verification
        verification.finish()
    finally:
        verification.end()
        _raise_damage(verification, provisional)


def _raise_damage(verification: DataVerification, provisional: Provisional) -> None:
    """Raise the error of a damaged file, which outranks what else ended the training: it may be its cause."""
    try:
        verification.require()
    except DamagedStageError:
        provisional.undo()
        raise
