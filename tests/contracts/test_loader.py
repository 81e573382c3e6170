"""The processes that load nnU-Net's batches, in the torch environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from environments import HOUSE, environment


def test_loaders_draw_numbers_of_their_own_and_end_with_a_killed_training(tmp_path: Path) -> None:
    script, python = Path(__file__).parent / "loader_check.py", environment("torch") / "bin/python"
    training = subprocess.Popen(
        [python, script, tmp_path], env={**os.environ, "PYTHONPATH": str(HOUSE / "src")}, start_new_session=True
    )
    try:
        wait_for(lambda: len(list(tmp_path.glob("*.json"))) == 2)
        loaders = {int(file.stem): json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.json")}
        first, second = loaders.values()
        assert first != second
        training.kill()
        training.wait()
        wait_for(lambda: not any(alive(loader) for loader in loaders))
    finally:
        if training.poll() is None:
            os.killpg(training.pid, signal.SIGKILL)


def alive(process: int) -> bool:
    """Whether a process is there, other than as an entry that nobody has collected."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until, "did not come true"
        time.sleep(0.05)
