"""Graphics cards: which this machine lets a job use, and one of them held by this process alone.

A card is held by a lock on a file of the machine, so that no other job takes it, of whatever study or user. The lock
goes with the process, however that ends, and processes that it starts do not hold it.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from residua.errors import ResiduaError
from residua.publishing.publish import HELD
from residua.settings.machine import Machine

VISIBLE = "CUDA_VISIBLE_DEVICES"
LOCKS = Path("/tmp/residua-cards")
"""One for all users, whatever their TMPDIR says."""
DRIVER = Path("/proc/driver/nvidia/gpus")
DEVICES = Path("/dev")
_FILES = ("nvidia[0-9]*", "dxg")
"""What a card has among the devices: on Linux, and on Linux below Windows."""
_POLL_S = 2.0
_UUID = re.compile(r"\(UUID: ([^)\s]+)\)")
_JOBS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
_held: list[int] = []
"""Open locks, which live as long as this process."""


class _Card(NamedTuple):
    uuid: str
    parts: list[str]
    """Of a divided card (MIG), which no job can use as a whole."""

    @property
    def usable(self) -> list[str]:
        return self.parts or [self.uuid]


def cards_here(given: str | None) -> list[str]:
    """Return the cards that a job may use, each by the name that CUDA knows it by.

    ``given`` is the value of CUDA_VISIBLE_DEVICES, in which numbers are those of nvidia-smi; None: all cards.
    """
    there = _listed() or _known_to_driver()
    if given is None:
        return [name for card in there for name in card.usable]
    named = [entry.strip() for entry in given.split(",")]
    if not there:
        if not any(file for pattern in _FILES for file in DEVICES.glob(pattern)):
            return []  # The variable was left over where there is no card at all.
        # No list to hold them against: whoever set the variable knows the cards.
        usable = [not entry or entry == "-1" or entry.startswith("NoDev") for entry in named]
        return list(dict.fromkeys(named[: usable.index(True)] if True in usable else named))
    chosen: list[str] = []
    for entry in named:
        found = _named(entry, there)
        if not found:
            break  # As CUDA does: an entry that is no card hides all that follow.
        chosen += found
    return list(dict.fromkeys(chosen))


def _named(entry: str, there: Sequence[_Card]) -> list[str]:
    if entry.isdecimal():
        return there[int(entry)].usable if int(entry) < len(there) else []
    if not entry:
        return []
    whole = [name for card in there if card.uuid.startswith(entry) for name in card.usable]
    return whole + [part for card in there for part in card.parts if part.startswith(entry)]


def _listed() -> list[_Card]:
    """Return the cards that nvidia-smi lists."""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=60, check=True).stdout
        there: list[_Card] = []
        for line in said.splitlines():
            if (uuid := _UUID.search(line)) is None:
                continue
            if not line.startswith((" ", "\t")):
                there.append(_Card(uuid[1], []))
            elif there:
                there[-1].parts.append(uuid[1])
        return there
    return []


def _known_to_driver() -> list[_Card]:
    """Return the cards that the kernel's driver knows and that this process can open."""
    there = {}
    for file in DRIVER.glob("*/information"):
        with suppress(OSError):
            facts = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
            minor = facts.get("Device Minor", "").strip()
            # A card that a cgroup denies has its file too, and those who number the cards of a job do not count it.
            os.close(os.open(DEVICES / f"nvidia{minor}", os.O_RDWR | os.O_CLOEXEC))
            there[file.parent.name] = _Card(facts["GPU UUID"].strip(), [])
    return [there[address] for address in sorted(there)]


def most_jobs(machine: Machine, given: str | None) -> int | None:
    """Return how many jobs may use cards at the same time; None: they use none, and only processors limit them.

    Raises ``ResiduaError`` where the settings demand a card and there is none.
    """
    if machine.device == "cpu":
        return None
    cards = cards_here(given)
    if machine.device == "cuda" and not cards:
        raise ResiduaError(_no_card(given))
    return len(cards) * machine.jobs_per_card or None


def take_card(
    machine: Machine, given: str | None, say: Callable[[str], None], tell: Callable[[str], None] = lambda line: None
) -> str | None:
    """Hold a card for this process and let it see no other; wait while all are held. None: the job uses processors.

    Call it before the framework is imported. ``given`` is the value of CUDA_VISIBLE_DEVICES. ``say`` gets a line
    for the log; where the job has to wait, ``tell`` gets it too, for whoever waits for the run. Raises ``ResiduaError``
    where the settings demand a card and there is none.
    """
    if machine.device == "cpu":
        return None
    cards = cards_here(given)
    if not cards and machine.device == "cuda":
        raise ResiduaError(_no_card(given))
    if not cards:
        say(f"{_none_found(given)}: this job runs on processors, on which a training at full size takes weeks")
        return None
    if given is None and in_job():
        say(f"the scheduler does not say in {VISIBLE} which card it gave this job: others may use the one it takes")
    card = _first_free(cards, machine.jobs_per_card)
    if card is None and len(cards) == 1 and given is not None and in_job():
        card = cards[0]  # The scheduler gave this job the card, and to others too where it is told to.
    if card is None:
        waits = f"all graphics cards are held, by {_holders(cards, machine)}: this job waits until one is free"
        say(waits)
        tell(waits)
    while card is None:
        time.sleep(_POLL_S)
        card = _first_free(cards, machine.jobs_per_card)
    say(f"graphics card {card}")
    os.environ[VISIBLE] = card
    return card


def take_free_card(machine: Machine, given: str | None) -> str | None:
    """Hold a card like ``take_card`` if one is free; None: the job, which did not ask for a card, uses processors."""
    # Schedulers give cards to jobs that ask for one.
    denied = machine.device == "cpu" or (given is None and in_job())
    card = None if denied else _first_free(cards_here(given), machine.jobs_per_card)
    if card is not None:
        os.environ[VISIBLE] = card
    return card


def in_job() -> bool:
    """Return whether this process belongs to a job of SLURM, PBS, LSF or Grid Engine."""
    # Of Grid Engine's two, other programs set the first as well.
    return any(name in os.environ for name in _JOBS) or {"JOB_ID", "SGE_TASK_ID"} <= set(os.environ)


def _none_found(given: str | None) -> str:
    return "no graphics card was found" + ("" if given is None else f" among those that {VISIBLE}={given} names")


def _no_card(given: str | None) -> str:
    return (
        f"{_none_found(given)}, and machine.device is cuda: run nvidia-smi to see what the driver says, or set "
        "machine.device to auto to train on processors"
    )


def _first_free(cards: Sequence[str], jobs_per_card: int) -> str | None:
    for place in range(jobs_per_card):
        for card in cards:
            if _lock(card, place):
                return card
    return None


def _lock(card: str, place: int) -> bool:
    file = _file_of(card, place)
    try:
        lock = _opened(file)
    except OSError as error:
        raise ResiduaError(f"the lock of a graphics card cannot be opened: {error}; let all users write it") from None
    try:
        # Not flock, which forked loaders would hold too, and after the death of their training.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if error.errno in HELD:
            return False
        raise ResiduaError(
            f"{file}: the lock of a graphics card cannot be taken ({error.strerror}): the folder {file.parent.parent} "
            "must lie on a disk of this machine, where files can be locked"
        ) from None
    # It only tells others who holds the card: a full disk ends no job that holds one.
    with suppress(OSError):
        os.ftruncate(lock, 0)
        os.write(lock, f"{os.getpid()}\n".encode())
    _held.append(lock)
    return True


def _file_of(card: str, place: int) -> Path:
    return LOCKS / f"{re.sub(r'[^A-Za-z0-9.-]', '_', card)}.{place}"


def _opened(file: Path) -> int:
    """Open a lock that every user of the machine may hold; make it where it is missing."""
    with suppress(FileExistsError):
        LOCKS.mkdir()
        LOCKS.chmod(0o1777)
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(FileExistsError):
        lock = os.open(file, flags | os.O_CREAT | os.O_EXCL)
        # The sticky bit keeps it from those who tidy up old files.
        os.fchmod(lock, 0o1666)
        return lock
    return os.open(file, flags)


def _holders(cards: Sequence[str], machine: Machine) -> str:
    pids = []
    for file in (_file_of(card, place) for card in cards for place in range(machine.jobs_per_card)):
        with suppress(OSError):
            pids.append(file.read_text(encoding="utf-8").strip())
    known = [pid for pid in pids if pid.isdecimal()]
    return f"process {', '.join(known)}" if known else "other processes"
