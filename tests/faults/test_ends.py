"""A run is killed or asked to leave, and the same command goes on: no --unlock, and nothing is left behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aims import epochs_done
from environments import build_environments
from residua.cluster.claim import FOLDER
from residua.cluster.leaving import STOPPED
from residua.cluster.orphans import kill, processes_of
from residua.publishing.publish import read_json
from studies import Study

MODEL = "results/models/nnunet/B/fold0/manifest.json"
ENDLESS = 5000
WAIT_S = 600
pytestmark = pytest.mark.timeout(1800)


@pytest.fixture
def training(finished: Study, tmp_path: Path) -> Study:
    """A finished study of which one training is to be done again, for days; its folder has a blank and an umlaut."""
    build_environments()
    study = finished.copied(tmp_path / "Studie für uns")
    study.configure(lambda config: config["networks"]["nnunet"].update(epochs=ENDLESS, save_every_epochs=ENDLESS))
    return study


@pytest.fixture
def calls(training: Study) -> Iterator[Calls]:
    """The calls of a test, of which nothing outlives it."""
    started = Calls(training)
    yield started
    started.end()


class Calls:
    """Starts of the same command, one after the other."""

    def __init__(self, study: Study) -> None:
        self._study, self._runs = study, list[str]()
        self.main = subprocess.Popen(["true"])
        self.main.wait()

    def start(self, terminal: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Give the command; its output goes to a file, or to a terminal that is its own."""
        own = terminal != subprocess.DEVNULL
        output = terminal if own else (self._study.folder / "said").open("w")
        self.main = subprocess.Popen(
            self._study.command(MODEL), cwd=self._study.house, stdin=terminal, stdout=output, stderr=output, text=True,
            start_new_session=True, preexec_fn=_take_terminal if own else None,
        )  # fmt: skip
        return self.main

    @property
    def said(self) -> str:
        """What the latest call without a terminal printed."""
        return (self._study.folder / "said").read_text()

    def trains_on(self) -> int:
        """Wait until the training of this call has done two epochs; return how many it has."""
        log = self._study.folder / "results/logs/train/nnunet_B_fold0.log"
        until(lambda: self._record.is_file() and read_json(self._record)["run"]["process"] == self.main.pid, self)
        self._runs.append(read_json(self._record)["run"]["id"])
        begun = time.time()
        until(lambda: log.is_file() and log.stat().st_mtime > begun and log.read_text().count("\nepoch ") > 2, self)
        return self.epochs

    @property
    def epochs(self) -> int:
        return epochs_done(self._study.folder / MODEL)

    @property
    def first_epoch(self) -> int:
        """With which epoch the latest training began."""
        log = (self._study.folder / "results/logs/train/nnunet_B_fold0.log").read_text()
        return int(log.partition("\nepoch ")[2].partition("/")[0])

    @property
    def saved(self) -> int:
        """After which epoch the training last saved its state."""
        folder = (self._study.folder / MODEL).parent
        names = folder.with_name(f"{folder.name}.part").glob("checkpoint-*")
        return max((int(name.name.split("-")[1]) for name in names), default=0)

    @property
    def _record(self) -> Path:
        return self._study.folder / FOLDER / "run.json"

    def require_nothing_left(self) -> None:
        """No process, no lock, no record of a run."""
        assert self.living() == []
        assert not list(self._study.folder.glob(".snakemake/locks/*"))
        assert not self._record.exists()

    def living(self) -> list[int]:
        return [process.pid for run in self._runs for process in processes_of(run)]

    def end(self) -> None:
        self.main.kill()
        self.main.wait()
        for run in self._runs:
            kill(processes_of(run))


def until(happened: Callable[[], bool], calls: Calls | None = None) -> None:
    last = time.monotonic() + WAIT_S
    while not happened():
        assert calls is None or calls.main.poll() is None, calls.said
        assert time.monotonic() < last
        time.sleep(0.05)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_the_same_command_goes_on_after_kill_9_and_after_sigterm(calls: Calls, training: Study) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        calls.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    done = calls.trains_on()
    # Under nohup a closing terminal ends nothing.
    calls.main.send_signal(signal.SIGHUP)
    # The same study once more, and somebody who would unlock it.
    for more in ([], ["--unlock"]):
        other = training.snakemake(MODEL, *more)
        assert other.returncode == 1
        assert f"Another run works in this folder (process {calls.main.pid} on " in other.stdout + other.stderr
        assert "Traceback" not in other.stdout + other.stderr
    calls.main.kill()
    calls.main.wait()
    assert list(training.folder.glob(".snakemake/locks/*"))

    calls.start()
    first = calls.trains_on()
    assert "The last run in this folder was killed (process " in calls.said
    assert calls.first_epoch >= done, "the training heard that its run was gone, and saved"

    calls.main.terminate()
    assert calls.main.wait() == 1
    assert calls.said.rstrip().endswith(STOPPED), calls.said[-3000:]
    assert calls.saved >= first
    calls.require_nothing_left()


class Terminal:
    """A terminal whose user reads along until it closes."""

    def __init__(self) -> None:
        self._ours, self.theirs = pty.openpty()
        self._closing = threading.Event()
        self._read: list[bytes] = []
        self._reader = threading.Thread(target=self._follow)

    def opened(self) -> None:
        """Somebody else has it now."""
        os.close(self.theirs)
        self._reader.start()

    def press(self, key: bytes) -> None:
        os.write(self._ours, key)

    def close(self) -> str:
        """Close it; return what stood there."""
        self._closing.set()
        self._reader.join()
        os.close(self._ours)
        return b"".join(self._read).decode(errors="replace")

    def _follow(self) -> None:
        while not self._closing.is_set():
            if select.select([self._ours], [], [], 0.1)[0]:
                try:
                    self._read.append(os.read(self._ours, 65536))
                except OSError:
                    # Nobody has it any more.
                    return


@pytest.mark.long
@pytest.mark.parametrize("how", ["Ctrl-C twice", "the terminal closes"])
def test_a_terminal_ends_a_run_and_all_its_jobs(calls: Calls, how: str) -> None:
    terminal = Terminal()
    calls.start(terminal=terminal.theirs)
    terminal.opened()
    done = calls.trains_on()
    if how == "Ctrl-C twice":
        for _ in range(2):
            terminal.press(b"\x03")
            time.sleep(0.5)
        assert calls.main.wait() == 1
        assert terminal.close().rstrip().endswith(STOPPED)
    else:
        terminal.close()
        assert calls.main.wait() == 1
    assert calls.saved >= done
    calls.require_nothing_left()
