"""Find and end processes of this machine by their numbers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PATIENCE = ((signal.SIGTERM, 2.0), (signal.SIGKILL, 10.0))
"""Signals, and the seconds to wait after each."""


def running() -> dict[int, int]:
    """Return every running process and its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and program_of(int(entry.name)):
            with suppress(OSError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def ancestors(process: int, parents: dict[int, int]) -> Iterator[int]:
    """Yield the ancestors of a process, nearest first."""
    while process in parents:
        process = parents[process]
        yield process


def program_of(process: int) -> str:
    """Return the name of a process; empty if it has ended."""
    try:
        return Path(Path(f"/proc/{process}/cmdline").read_text().split("\0")[0].split(" ")[0]).name
    except OSError:
        return ""


def carries(process: int, variable: str, value: object) -> bool:
    """Return whether a process was started with this environment variable."""
    try:
        return f"{variable}={value}".encode() in Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def end(find: Callable[[], set[int]]) -> None:
    """End the processes that ``find`` returns, also new ones, and wait until none is left."""
    known: set[int] = set()

    def none_left() -> bool:
        return not (known | find()) & set(running())

    for number, seconds in PATIENCE:
        known.update(find())
        for process in known:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        if settle(none_left, seconds):
            return
    raise AssertionError(f"still running: {known & set(running())}")


def settle(reached: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition holds; return False if it does not in time."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
