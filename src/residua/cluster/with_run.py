"""A job leaves when it is asked to, and when the main process of its run is gone, however that ended."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

MARK = "RESIDUA_RUN"
"""Environment variable of every process of a local run: the run's id, a colon, and its main process."""
ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, kill, and a terminal that closes."""
_LOOK_S = 1.0


def leave_when_asked(before: Callable[[], None]) -> None:
    """Let the first signal end this process as Ctrl-C does, so that blocks clean up; later ones change nothing.

    ``before`` is called first. A signal that was ignored from the start stays so, as under ``nohup``.
    """
    process = os.getpid()

    def leave(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            # A process that the job forked: it must end at once.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        for each in ASKING:
            # Not SIG_IGN: Python complains of a signal that comes at the same moment.
            signal.signal(each, _hear_nothing)
        before()
        raise KeyboardInterrupt

    for number in ASKING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, leave)


def _hear_nothing(number: int, frame: FrameType | None) -> None:
    pass


def leave_with_run() -> None:
    """Let this process be asked to leave, by SIGTERM, once the main process of its run has ended."""
    _, _, main = os.environ.get(MARK, "").rpartition(":")
    if main.isdigit():
        threading.Thread(target=_leave_after, args=(int(main),), daemon=True).start()


def _leave_after(main: int) -> None:
    with suppress(ProcessLookupError):
        _wait_for_end(main)
    os.kill(os.getpid(), signal.SIGTERM)


def _wait_for_end(process: int) -> None:
    """Wait for the end of a process that is no child of this one. May raise ``ProcessLookupError`` instead."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        raise
    except (AttributeError, OSError):
        # Not Linux, or an old one.
        while True:
            os.kill(process, 0)
            time.sleep(_LOOK_S)
    try:
        select.select([descriptor], [], [])
    finally:
        os.close(descriptor)
