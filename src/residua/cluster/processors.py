"""The default number of processes of a command."""

from __future__ import annotations

import os

MOST_WORKERS = 8


def default_workers() -> int:
    """Return the number of available processors, at most 8: each process holds images in memory."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))
