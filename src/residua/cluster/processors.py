"""How many processes a command starts."""

from __future__ import annotations

import os

MOST_WORKERS = 8


def default_workers() -> int:
    """As many as there are processors for this process, within reason: each holds some images."""
    return min(MOST_WORKERS, len(os.sched_getaffinity(0)))
