"""Give a training its data: verified beside it, and copied to the disk of its machine where the settings say so."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType

from residua.networks.cases import TrainingSet
from residua.networks.local_copies import Say, local_copies, scratch_folder
from residua.networks.unchanged import require_unchanged
from residua.networks.unfinished import LeftError
from residua.networks.verification import Progress, verified_beside

Watched = Callable[[Progress], Progress]


@contextmanager
def data_beside(
    data: TrainingSet, files: Mapping[Path, str], folder: Path, local_scratch: str | None, say: Say
) -> Iterator[tuple[TrainingSet, Watched]]:
    """Yield the data that a training opens, and what makes its progress end it where a file is damaged.

    Files are verified by their digests while the block runs and writes into ``folder``; the block ends when all are.
    """
    scratch = scratch_folder(local_scratch, say) if local_scratch else None
    with (
        _leaving_when_terminated(folder),
        local_copies(scratch, files, say) if scratch else nullcontext() as copies,
        verified_beside(
            files, folder, copies.fetch if copies else require_unchanged, say, each=copies is not None
        ) as verification,
    ):
        yield _opened_by(data, copies.link) if copies else data, verification.watched


def _opened_by(data: TrainingSet, path_of: Callable[[Path], Path]) -> TrainingSet:
    """Return the same data whose files are opened by other paths."""
    cases = {p: replace(case, channels=tuple(map(path_of, case.channels))) for p, case in data.cases.items()}
    references = {patient: path_of(file) for patient, file in data.references.items()}
    return replace(data, cases=cases, references=references)


@contextmanager
def _leaving_when_terminated(folder: Path) -> Iterator[None]:
    """Let SIGTERM end the block like an error, so that its copies are removed; a training hears it by itself.

    Raises ``LeftError`` then.
    """
    process = os.getpid()

    def leave(number: int, frame: FrameType | None) -> None:
        if os.getpid() == process:
            # Unlike an error, not caught by a framework that is being imported.
            raise SystemExit(128 + number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except SystemExit as left:
        if left.code != 128 + signal.SIGTERM:
            raise
        # What is kept of before is in a hidden folder.
        names = (file.relative_to(folder).parts for file in folder.rglob("checkpoint*"))
        there = any(not name[0].startswith(".") for name in names)
        raise LeftError(
            "SIGTERM asked the training to leave; give the same command again: it goes on from "
            + ("its last checkpoint" if there else "the beginning")
        ) from left
    finally:
        signal.signal(signal.SIGTERM, before)
