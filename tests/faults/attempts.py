"""One start of the study's command, whose processes are watched and killed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from studies import Study

POLL_S = 0.02
"""Between two looks: the shortest job takes ten times as long."""


def wait_until(done: Callable[[], object]) -> None:
    """Look again and again until ``done``."""
    while not done():
        time.sleep(POLL_S)


def signalled(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


@dataclass(frozen=True)
class Process:
    """What /proc says of a process: its number, its state (one letter) and its parent."""

    pid: int
    state: str
    parent: int


def process(pid: int) -> Process | None:
    """A process that lives, stopped or not."""
    try:
        # The name, in brackets, may hold blanks.
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state in "ZX" else Process(pid, state, int(parent))


class Attempt:
    """The same command once more, in a session of its own, by which all its processes are known."""

    def __init__(self, study: Study, output: Path, targets: Sequence[str] = ()) -> None:
        self._results = study.folder.resolve()
        self._output = output
        with output.open("w") as stream:
            self._main = subprocess.Popen(
                study.command(*targets), cwd=study.house, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                start_new_session=True,
            )  # fmt: skip
        self.pid = self._main.pid
        self._over = False

    @property
    def said(self) -> str:
        """What Snakemake and the jobs printed."""
        return self._output.read_text()

    @property
    def returncode(self) -> int | None:
        """The main process's exit status, None while it lives."""
        return self._main.poll()

    def processes(self) -> list[Process]:
        """The main process and all that came from it, also when it is gone."""
        if self._over:
            return []
        ended = self.returncode is not None
        numbers = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
        living = [found for pid in numbers if self._owns(pid) and (found := process(pid))]
        # From now on the session's number may be another's.
        self._over = ended and not living
        return living

    def _owns(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self.pid
        except ProcessLookupError:
            return False

    def jobs(self) -> dict[str, int]:
        """The processes of the jobs that run, by the log into which they print; not the helpers of a job."""
        logs = {found.pid: (self._log(found.pid), found.parent) for found in self.processes()}
        own = {pid: log for pid, (log, parent) in logs.items() if log and logs.get(parent, ("", 0))[0] != log}
        return {log: pid for pid, log in own.items()}

    def _log(self, pid: int) -> str:
        try:
            printed_to = Path(os.readlink(f"/proc/{pid}/fd/1"))
        except OSError:
            return ""
        inside = self._results in printed_to.parents
        return printed_to.relative_to(self._results).as_posix() if inside else ""

    def tell_to_end(self, everyone: bool) -> None:
        """Interrupt the main process and ``everyone`` of its jobs, as Ctrl-C does, or ask it alone to end."""
        if everyone:
            os.killpg(self.pid, signal.SIGINT)
        else:
            signalled(self.pid, signal.SIGTERM)

    def kill_main(self) -> None:
        """Kill the main process only; its jobs are orphans from now on."""
        self._main.kill()
        self._main.wait()

    def kill_all(self, but: int | None = None) -> None:
        """Kill whatever lives; at once, unless one process is to go on."""
        if but is None and self.processes():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        wait_until(lambda: not self._killed(but))
        self._main.wait()

    def _killed(self, but: int | None) -> list[Process]:
        found = [found for found in self.processes() if found.pid != but]
        for each in found:
            signalled(each.pid, signal.SIGKILL)
        return found
