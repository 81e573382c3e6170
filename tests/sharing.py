"""What is costly and read only is made once for all the processes of a test run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return the folder ``name`` that ``make`` filled, by this process or by another of the same run.

    The others wait while one makes it. When it fails there, they fail at once and do not try again.
    """
    root = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    shared = root / "shared"
    shared.mkdir(exist_ok=True)
    folder, outcome = shared / name, shared / f"{name}.outcome"
    with (shared / f"{name}.lock").open("w") as lock:
        # Not `flock`: processes that `make` forks would inherit the lock.
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if not outcome.exists():
            outcome.write_text("failed")
            folder.mkdir()
            make(folder)
            outcome.write_text("made")
        elif outcome.read_text() != "made":
            pytest.fail(f"{name} could not be made; an earlier test shows why")
    return folder
