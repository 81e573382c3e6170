"""Compare files with the digests that a selection holds, several at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from residua.errors import DamagedStageError, ResiduaError
from residua.publishing.publish import digest, remaking

THREADS = 4
"""A thread takes in some hundred MB a second."""


def require_unchanged(file: Path, expected: str) -> None:
    """Raise ``DamagedStageError`` for a file that is missing or differs from its digest.

    Raises ``ResiduaError`` for one that cannot be read.
    """
    try:
        found = digest(file) if file.is_file() else None
    except OSError as error:
        raise unreadable(file, error) from error
    if found != expected:
        raise changed(file)


def changed(file: Path) -> DamagedStageError:
    """Return the error for a file that is missing or differs from its digest."""
    return DamagedStageError(
        f"{file}: missing or changed since it was made. Rebuild with: {remaking(file.parent / 'manifest.json')}"
    )


def unreadable(file: Path, error: OSError) -> ResiduaError:
    """Return the error for a file that is there and cannot be read."""
    return ResiduaError(
        f"{file}: cannot be read ({error.strerror}, errno {error.errno}). See whether the disk or the server that "
        "holds it is well, then give the same command again; if it stays so, rebuild with: "
        f"{remaking(file.parent / 'manifest.json')}"
    )


def require_all_unchanged(files: Mapping[Path, str]) -> None:
    """Raise ``DamagedStageError`` for the first of some files that is missing or differs from its digest."""
    with ThreadPoolExecutor(threads_of_job()) as threads:
        for _ in threads.map(require_unchanged, files, files.values()):
            pass


def threads_of_job() -> int:
    """Return how many files are read at a time."""
    return min(THREADS, int(os.environ.get("OMP_NUM_THREADS", "1")))
