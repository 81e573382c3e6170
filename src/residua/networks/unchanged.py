"""Compare files with the digests that a selection holds, several at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from residua.errors import DamagedStageError
from residua.publishing.publish import digest, remaking

THREADS = 4
"""A thread takes in some hundred MB a second."""


def require_unchanged(file: Path, expected: str) -> None:
    """Raise ``DamagedStageError`` for a file that is missing or differs from its digest."""
    if not file.is_file() or digest(file) != expected:
        raise changed(file)


def changed(file: Path) -> DamagedStageError:
    """Return the error for a file that is missing or differs from its digest."""
    return DamagedStageError(
        f"{file}: missing or changed since it was made. Rebuild with: {remaking(file.parent / 'manifest.json')}"
    )


def require_all_unchanged(files: Mapping[Path, str]) -> None:
    """Raise ``DamagedStageError`` for the first of some files that is missing or differs from its digest."""
    with ThreadPoolExecutor(threads_of_job()) as threads:
        for _ in threads.map(require_unchanged, files, files.values()):
            pass


def threads_of_job() -> int:
    """Return how many files are read at a time."""
    return min(THREADS, int(os.environ.get("OMP_NUM_THREADS", "1")))
