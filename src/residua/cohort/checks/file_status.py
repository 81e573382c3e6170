"""Recognise whether a file changed since it was read, by its size, time of change and permissions."""

from __future__ import annotations

import os
from typing import NamedTuple


class FileStatus(NamedTuple):
    """Size in bytes, time of change in nanoseconds, and mode (the kind of file and its permissions)."""

    size: int
    changed_ns: int
    mode: int


def status_of(path: str) -> FileStatus | None:
    """Return the status of a file; None where there is none."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return FileStatus(status.st_size, status.st_mtime_ns, status.st_mode)
