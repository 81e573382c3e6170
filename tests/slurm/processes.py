"""Processes of this machine, by their numbers: whose they are, and how they are ended for sure."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

PATIENCE = ((signal.SIGTERM, 2.0), (signal.SIGKILL, 10.0))
"""Signals, and how many seconds each is given."""


def running() -> dict[int, int]:
    """Every process that has not ended, and its parent."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and program_of(int(entry.name)):
            with suppress(OSError):
                found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def ancestors(process: int, parents: dict[int, int]) -> Iterator[int]:
    """Its parent, the parent's parent, and so on."""
    while process in parents:
        process = parents[process]
        yield process


def program_of(process: int) -> str:
    """Its name; nothing for one that has ended."""
    try:
        return Path(Path(f"/proc/{process}/cmdline").read_text().split("\0")[0].split(" ")[0]).name
    except OSError:
        return ""


def carries(process: int, variable: str, value: object) -> bool:
    """Whether it was started with this environment variable."""
    try:
        return f"{variable}={value}".encode() in Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def end(find: Callable[[], set[int]]) -> None:
    """End the processes that ``find`` gives, those that it gives meanwhile, and wait until none is left."""
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
    """Wait until something is reached; False when it is not in time."""
    deadline = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
