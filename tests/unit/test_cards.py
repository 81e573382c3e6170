"""No two jobs hold one graphics card: real processes, and a double of nvidia-smi that lists cards of any number."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from attempts import wait_until
from residua.cluster import cards
from residua.cluster.cards import cards_here, most_jobs, take_card
from residua.cluster.workflow import reasons
from residua.errors import ResiduaError
from residua.inference.following import Following
from residua.settings.machine import Machine

TWO = "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-a0)\nGPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-b1)\n"
DIVIDED = (
    "GPU 0: NVIDIA A100 (UUID: GPU-a0)\n"
    "  MIG 3g.20gb     Device  0: (UUID: MIG-a0-3)\n"
    "  MIG 2g.10gb     Device  1: (UUID: MIG-a0-2)\n"
    "GPU 1: NVIDIA A100 (UUID: GPU-b1)\n"
)
JOB = """
import os, sys, time
from pathlib import Path
from residua.cluster import cards
from residua.settings.machine import Machine

cards.LOCKS, cards._POLL_S = Path(sys.argv[1]), 0.02
said = Path(sys.argv[2])
def say(line):
    with said.open("a") as log:
        log.write(line + "\\n")
if cards.take_card(Machine(jobs_per_card=int(sys.argv[3])), os.environ.get(cards.VISIBLE), say):
    if os.fork() == 0:
        # As a loader of the training, which outlives it.
        say(f"child {os.getpid()}")
    say(f"sees {os.environ[cards.VISIBLE]}")
time.sleep(600)
"""

SCRIPT = """
import sys
from pathlib import Path
from types import SimpleNamespace
from residua.cluster import cards

cards.LOCKS, cards.DEVICES = Path(sys.argv[1]), Path(sys.argv[1]).parent / "dev"
snakemake = SimpleNamespace(rule="ensemble", log=[sys.argv[2]], threads=1, input=[], output=[], config={})
from _here import on_card
on_card(str, "nnunet")
"""
HOUSE = Path(__file__).parents[2]


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program nvidia-smi that prints the file which the test writes; nothing, at first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    text = folder / "list"
    text.write_text("")
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && cat '{text}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr(cards, "LOCKS", tmp_path / "locks")
    monkeypatch.setattr(cards, "DRIVER", tmp_path / "no driver")
    (tmp_path / "dev").mkdir()
    monkeypatch.setattr(cards, "DEVICES", tmp_path / "dev")
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "SGE_TASK_ID", cards.VISIBLE):
        monkeypatch.delenv(name, raising=False)
    return text


class Jobs:
    """Jobs that take a card each, in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.running = folder, dict[str, subprocess.Popen[bytes]]()

    def start(self, name: str, jobs_per_card: int = 1) -> None:
        arguments = [sys.executable, "-c", JOB, self.folder / "locks", self.folder / name, str(jobs_per_card)]
        self.running[name] = subprocess.Popen(arguments)

    def said(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def card_of(self, name: str) -> str:
        def seen() -> list[str]:
            return [line.split()[1] for line in self.said(name) if line.startswith("sees")]

        wait_until(lambda: bool(seen()))
        return seen()[0]

    def end(self) -> None:
        for job in self.running.values():
            job.kill()
            job.wait()
        for name in self.running:
            for line in self.said(name):
                if line.startswith("child"):
                    os.kill(int(line.split()[1]), 9)


@pytest.fixture
def jobs(listed: Path, tmp_path: Path) -> Iterator[Jobs]:
    """Jobs on a machine with two cards."""
    listed.write_text(TWO)
    started = Jobs(tmp_path)
    yield started
    started.end()


def test_two_jobs_never_share_a_card_and_a_third_waits_until_a_killed_one_leaves_it(jobs: Jobs) -> None:
    jobs.start("first")
    first = jobs.card_of("first")
    jobs.start("second")
    assert {first, jobs.card_of("second")} == {"GPU-a0", "GPU-b1"}
    jobs.start("third")
    wait_until(lambda: bool(jobs.said("third")))
    holders = ", ".join(str(jobs.running[name].pid) for name in ("first", "second"))
    assert jobs.said("third") == [
        f"all graphics cards are held, by process {holders}: this job waits until one is free"
    ]
    jobs.running["first"].kill()
    jobs.running["first"].wait()
    assert jobs.card_of("third") == first


def test_a_job_that_waits_says_so_in_the_terminal_where_whoever_predicts_is_told(jobs: Jobs, tmp_path: Path) -> None:
    jobs.start("first")
    jobs.start("second")
    holders = {jobs.card_of(name): str(jobs.running[name].pid) for name in ("first", "second")}
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "wait.py").write_text(SCRIPT)
    (tmp_path / "scripts" / "_here.py").symlink_to(HOUSE / "scripts" / "_here.py")
    (tmp_path / "src").symlink_to(HOUSE / "src")
    terminal, log = tmp_path / "terminal", tmp_path / "log"
    arguments = [sys.executable, tmp_path / "scripts" / "wait.py", tmp_path / "locks", log]
    with terminal.open("w") as stream:
        jobs.running["third"] = subprocess.Popen(arguments, stdout=stream, stderr=stream)
    wait_until(lambda: terminal.read_text().endswith("free\n"))
    waits = f"all graphics cards are held, by process {', '.join(holders[card] for card in sorted(holders))}: "
    waits += "this job waits until one is free"
    assert log.read_text() == f"{waits}\n"
    assert Following().read(terminal.read_text()) == [f"ensemble: {waits}"]
    # Nor is it taken for the beginning of an error that another job has later.
    assert reasons(terminal.read_text() + "\nregister: disk full\n(log: a.log)\n") == "disk full"


def test_a_process_of_the_loader_that_outlives_its_training_does_not_hold_the_card(jobs: Jobs) -> None:
    jobs.start("first")
    first = jobs.card_of("first")
    jobs.running["first"].kill()
    jobs.running["first"].wait()
    (child,) = [int(line.split()[1]) for line in jobs.said("first") if line.startswith("child")]
    os.kill(child, 0)
    jobs.start("second")
    assert jobs.card_of("second") == first


def test_as_many_jobs_share_a_card_as_the_settings_say_and_free_cards_come_first(jobs: Jobs) -> None:
    for number, name in enumerate(("one", "two", "three", "four")):
        jobs.start(name, jobs_per_card=2)
        assert jobs.card_of(name) == ("GPU-a0", "GPU-b1")[number % 2]
    jobs.start("fifth", jobs_per_card=2)
    wait_until(lambda: bool(jobs.said("fifth")))
    assert jobs.said("fifth")[0].endswith("this job waits until one is free")


SCHEDULERS = [("SLURM_JOB_ID",), ("PBS_JOBID",), ("LSB_JOBID",), ("JOB_ID", "SGE_TASK_ID")]


@pytest.mark.parametrize("names", [SCHEDULERS[0], SCHEDULERS[-1]])
def test_a_card_that_a_scheduler_gave_is_used_though_another_of_its_jobs_has_it(
    names: tuple[str, ...], jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        monkeypatch.setenv(name, "17")
    monkeypatch.setenv(cards.VISIBLE, "1")
    for name in ("first", "second"):
        jobs.start(name)
        assert jobs.card_of(name) == "GPU-b1"


def test_every_user_of_the_machine_may_hold_a_card(listed: Path, tmp_path: Path) -> None:
    listed.write_text(TWO)
    lines: list[str] = []
    assert take_card(Machine(), None, lines.append) == os.environ.pop(cards.VISIBLE) == "GPU-a0"
    assert lines == ["graphics card GPU-a0"]
    (lock,) = (tmp_path / "locks").iterdir()
    assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o1777
    # What is sticky is left by programs that tidy up old files.
    assert stat.S_IMODE(lock.stat().st_mode) == 0o1666
    os.close(cards._held.pop())


@pytest.mark.parametrize(
    ("text", "given", "found"),
    [
        (TWO, None, ["GPU-a0", "GPU-b1"]),
        (TWO, "1", ["GPU-b1"]),
        (TWO, "1, 0", ["GPU-b1", "GPU-a0"]),
        (TWO, "GPU-b1,GPU-b1", ["GPU-b1"]),
        (TWO, "GPU-b", ["GPU-b1"]),
        (TWO, "0,7,1", ["GPU-a0"]),
        (TWO, "1,-1,0", ["GPU-b1"]),
        (TWO, "", []),
        (TWO, "NoDevFiles", []),
        (DIVIDED, None, ["MIG-a0-3", "MIG-a0-2", "GPU-b1"]),
        (DIVIDED, "MIG-a0-2", ["MIG-a0-2"]),
        (DIVIDED, "1", ["GPU-b1"]),
        (DIVIDED, "0", ["MIG-a0-3", "MIG-a0-2"]),
        (DIVIDED, "GPU-a0", ["MIG-a0-3", "MIG-a0-2"]),
        (DIVIDED, "GPU-b1,GPU-a", ["GPU-b1", "MIG-a0-3", "MIG-a0-2"]),
        (DIVIDED, "MIG-a0-2,GPU-a0", ["MIG-a0-2", "MIG-a0-3"]),
        ("", None, []),
        ("", "", []),
        ("", "0,1", []),
        ("", "GPU-a0", []),
        ("", "-1", []),
        ("", "NoDevFiles", []),
    ],
)
def test_the_cards_are_those_that_are_there_and_that_the_variable_names(
    text: str, given: str | None, found: list[str], listed: Path
) -> None:
    listed.write_text(text)
    assert cards_here(given) == found


@pytest.mark.parametrize(
    ("device", "found"),
    [
        ("nvidia0", ["0", "1"]),
        ("nvidia12", ["0", "1"]),
        ("dxg", ["0", "1"]),
        ("nvidiactl", []),
        ("nvidia-uvm", []),
    ],
)
def test_without_a_list_the_variable_is_believed_only_where_a_card_has_a_file(
    device: str, found: list[str], listed: Path, tmp_path: Path
) -> None:
    (tmp_path / "dev" / device).touch()
    assert cards_here("0,1") == found
    assert cards_here("0,-1,1") == found[:1]
    assert most_jobs(Machine(), "0,1") == (len(found) or None)


def test_without_nvidia_smi_the_kernel_s_driver_is_asked(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (listed.parent / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    monkeypatch.setattr(cards, "DRIVER", tmp_path / "driver")
    # The first cannot be opened, as where a cgroup denies it, by root neither; the last has no file in this container.
    (tmp_path / "dev" / "nvidia2").mkdir()
    for minor in (3, 4):
        (tmp_path / "dev" / f"nvidia{minor}").touch()
    known = (("21", "GPU-denied", 2), ("41", "GPU-a0", 3), ("81", "GPU-b1", 4), ("c1", "GPU-elsewhere", 5))
    for bus, uuid, minor in known:
        information = tmp_path / "driver" / f"0000:{bus}:00.0" / "information"
        information.parent.mkdir(parents=True)
        information.write_text(f"Model: \t\t NVIDIA A100\nGPU UUID: \t {uuid}\nDevice Minor: \t {minor}\n")
    opened = len(os.listdir("/proc/self/fd"))
    assert cards_here(None) == ["GPU-a0", "GPU-b1"]
    assert cards_here("0") == ["GPU-a0"]
    assert len(os.listdir("/proc/self/fd")) == opened


@pytest.mark.parametrize(
    ("text", "settings", "most"),
    [
        (TWO, {}, 2),
        (TWO, {"jobs_per_card": 3}, 6),
        (TWO, {"device": "cpu"}, None),
        ("", {}, None),
        ("", {"device": "cpu"}, None),
    ],
)
def test_as_many_jobs_run_as_cards_let_and_without_one_only_processors_limit_them(
    text: str, settings: dict[str, object], most: int | None, listed: Path
) -> None:
    listed.write_text(text)
    assert most_jobs(Machine.model_validate(settings), None) == most


def test_without_a_card_the_log_says_so_and_a_study_that_demands_one_fails_at_once(listed: Path) -> None:
    lines: list[str] = []
    assert take_card(Machine(), None, lines.append) is None
    assert lines == [
        "no graphics card was found: this job runs on processors, on which a training at full size takes weeks"
    ]
    assert take_card(Machine(device="cpu"), None, lines.append) is None
    assert len(lines) == 1
    assert take_card(Machine(), "0", lines.append) is None
    assert lines[1].startswith(
        "no graphics card was found among those that CUDA_VISIBLE_DEVICES=0 names: this job runs on processors"
    )
    for refused in (
        lambda: take_card(Machine(device="cuda"), "", lines.append),
        lambda: take_card(Machine(device="cuda"), "0,1", lines.append),
        lambda: most_jobs(Machine(device="cuda"), ""),
    ):
        with pytest.raises(
            ResiduaError, match=r"^no graphics card was found among .*machine\.device is cuda: run nvidia-smi"
        ):
            refused()


def test_a_job_that_asks_for_no_card_takes_one_only_if_it_is_free(
    listed: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        jobs.start(name)
        jobs.card_of(name)
    assert cards.take_free_card(Machine(), None) is None
    jobs.running["second"].kill()
    jobs.running["second"].wait()
    assert cards.take_free_card(Machine(device="cpu"), None) is None
    for names in SCHEDULERS:
        with monkeypatch.context() as inside:
            for name in names:
                inside.setenv(name, "17")
            assert cards.take_free_card(Machine(), None) is None
    # Not Grid Engine's alone.
    monkeypatch.setenv("JOB_ID", "17")
    assert cards.take_free_card(Machine(), None) == os.environ.pop(cards.VISIBLE) == "GPU-b1"
    os.close(cards._held.pop())


def test_the_log_says_that_a_scheduler_does_not_name_the_card(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed.write_text(TWO)
    monkeypatch.setenv("PBS_JOBID", "17.server")
    lines: list[str] = []
    for given, card in (("1", "GPU-b1"), (None, "GPU-a0")):
        assert take_card(Machine(), given, lines.append) == os.environ.pop(cards.VISIBLE) == card
        os.close(cards._held.pop())
    said = [line.partition(" in CUDA_VISIBLE_DEVICES ")[0] for line in lines]
    assert said == ["graphics card GPU-b1", "the scheduler does not say", "graphics card GPU-a0"]


def test_a_full_disk_ends_no_job_that_holds_a_card(listed: Path, tmp_path: Path) -> None:
    listed.write_text(TWO)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        assert take_card(Machine(), None, lambda line: None) == os.environ.pop(cards.VISIBLE) == "GPU-a0"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (lock,) = (tmp_path / "locks").iterdir()
    assert lock.read_text() == ""
    assert cards._holders(["GPU-a0"], Machine()) == "other processes"
    os.close(cards._held.pop())


def test_a_disk_without_locks_is_said_and_is_no_held_card(
    listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed.write_text(TWO)

    def refuse(code: int) -> None:
        def lockf(lock: int, flags: int) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(fcntl, "lockf", lockf)

    for held in (errno.EACCES, errno.EAGAIN):
        refuse(held)
        assert cards.take_free_card(Machine(), None) is None
    refuse(errno.ENOLCK)
    opened = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ResiduaError, match=r"GPU-a0\.0: .*No locks available.*must lie on a disk of this"):
        take_card(Machine(), None, lambda line: None)
    assert len(os.listdir("/proc/self/fd")) == opened
