from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cohort_tables import ROOT
from residua.cluster.pool import over_all

KILLS = 3
INTERRUPTED = """
import sys, time
from pathlib import Path
from residua.cluster.pool import over_all

def work(item):
    Path(sys.argv[1], str(item)).touch()
    time.sleep(600)

if __name__ == "__main__":
    over_all(work, range(4), 2, died=str)
"""

IMPORTED = """
import sys
from functools import partial
from pathlib import Path
from residua.cluster.pool import over_all

with Path(sys.argv[1]).open("a") as stream:
    stream.write(__name__ + chr(10))

def own(item, much=1):
    return much * item

if __name__ == "__main__":
    work = {"own": own, "own in part": partial(own, much=1), "another": abs, "another in part": partial(max, 0)}
    print(over_all(work[sys.argv[2]], [1, 2], 2, died=str))
"""


def squared(number: int) -> int:
    if number == KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def lost(number: int) -> int:
    return -number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_keep_the_order_of_the_items(workers: int) -> None:
    told: list[None] = []
    items = [5, 4, 9, 1]
    assert over_all(squared, items, workers, lost, lambda: told.append(None)) == [25, 16, 81, 1]
    assert len(told) == len(items)


def test_dead_process_fails_its_own_item_only() -> None:
    told: list[None] = []
    items = [0, KILLS, 2, 4, KILLS, 5]
    assert over_all(squared, items, 2, lost, lambda: told.append(None)) == [0, -3, 4, 16, -3, 25]
    assert len(told) == len(items)


@pytest.mark.parametrize(("work", "imports"), [("own", 2), ("own in part", 2), ("another", 0), ("another in part", 0)])
def test_processes_import_the_script_of_their_parent_only_for_its_own_work(
    tmp_path: Path, work: str, imports: int
) -> None:
    script, imported = tmp_path / "script.py", tmp_path / "imported"
    script.write_text(IMPORTED, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, script, imported, work]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout == "[1, 2]\n", done.stderr
    assert imported.read_text(encoding="utf-8").splitlines() == ["__main__", *["__mp_main__"] * imports]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_their_parent(tmp_path: Path, by: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    begun = tmp_path / "begun"
    begun.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    parent = subprocess.Popen(
        [sys.executable, script, begun],
        env=environment,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # What a shell starts in the background, these tests perhaps, ignores Ctrl-C, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        wait_for(lambda: len(list(begun.iterdir())) == 2)
        if by == signal.SIGINT:
            # As a terminal does: to the parent and to all processes of its group.
            os.killpg(parent.pid, by)
        else:
            parent.kill()
        assert parent.wait(60) != 0
        wait_for(lambda: not alive(parent.pid))
    finally:
        if alive(parent.pid):
            os.killpg(parent.pid, signal.SIGKILL)


def alive(group: int) -> bool:
    """Whether any process of a group is left, other than as an entry that nobody has collected."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of, *_ = status.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if int(of) == group and state != "Z":
            return True
    return False


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not true():
        if time.monotonic() > until:
            raise AssertionError("did not come true")
        time.sleep(0.05)
