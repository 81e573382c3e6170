"""The main process is asked to leave, by Ctrl-C, ``kill`` or a closing terminal; all its jobs leave with it."""

from __future__ import annotations

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from residua.cluster.orphans import ask_to_leave, kill, processes_of
from residua.cluster.with_run import ASKING

_LOOK_S = 0.3
_AFTER_SECOND_S = 30.0
_FIRST = "Stopping: jobs are asked to leave, and trainings to save. Ctrl-C again ends after 30 s what has not left."
_SECOND = f"What has not left in {_AFTER_SECOND_S:.0f} s is killed. Ctrl-C again kills it now."
STOPPED = "Stopped. Give the same command again: it goes on where it was, trainings from their last saved epoch."


class Leaving:
    """How a run of this process ends when it is asked to; ``asked`` says whether it was."""

    def __init__(self, run: str) -> None:
        """End the processes of the local run with the id ``run``."""
        self._run = run
        self._signals = 0
        self._kill_at = float("inf")
        self._asked: set[int] = set()

    @property
    def asked(self) -> bool:
        """Whether a signal has come."""
        return self._signals > 0

    def hear(self) -> None:
        """Listen; again where something else has listened since. A signal that is ignored stays so (``nohup``)."""
        for number in ASKING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._hear)

    def see_off(self, besides: Callable[[], None] = lambda: None) -> None:
        """Wait until no process of the run is left, if a signal has come; call ``besides`` first."""
        if self.asked:
            with suppress(Exception):
                besides()
            while self._ask():
                time.sleep(_LOOK_S)
        for number in ASKING:
            signal.signal(number, signal.SIG_IGN)

    def say_stopped(self) -> None:
        """Say, as the last line of this process, how the run goes on, if a signal has come."""
        if not self.asked:
            return
        for stream in (sys.stdout, sys.stderr):
            # What waits in a buffer would come behind it.
            with suppress(OSError, ValueError):
                stream.flush()
        _tell(STOPPED)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._signals += 1
        if number == signal.SIGHUP:
            _leave_terminal()
        if self._signals == 1:
            _tell(_FIRST)
            threading.Thread(target=self._keep_asking, daemon=True).start()
            # As by Ctrl-C: the scheduler starts nothing more and waits for what runs.
            raise SystemExit(128 + number)
        if self._signals == 2:
            _tell(_SECOND)
        self._kill_at = time.monotonic() + (_AFTER_SECOND_S if self._signals == 2 else 0.0)

    def _keep_asking(self) -> None:
        # Until the process ends: a job may just be starting.
        while True:
            self._ask()
            time.sleep(_LOOK_S)

    def _ask(self) -> bool:
        left = processes_of(self._run)
        if time.monotonic() >= self._kill_at:
            kill(left)
        ask_to_leave(left, self._asked)
        return bool(left)


def _tell(line: str) -> None:
    # Not by a logger, whose lock the interrupted code may hold.
    with suppress(OSError):
        os.write(2, f"\n{line}\n".encode())


def _leave_terminal() -> None:
    """Let nothing write to a terminal that is gone: each try would be an error."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        with suppress(OSError):
            # Not isatty, which says no of a terminal that is gone.
            if stat.S_ISCHR(os.fstat(stream).st_mode):
                os.dup2(nowhere, stream)
