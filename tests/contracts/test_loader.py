"""The processes that load nnU-Net's batches, in the torch environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from attempts import process, wait_until
from environments import HOUSE, environment


@pytest.mark.timeout(300)
def test_loaders_draw_numbers_of_their_own_and_end_with_a_killed_training(tmp_path: Path) -> None:
    script, python = Path(__file__).parent / "loader_check.py", environment("torch") / "bin/python"
    training = subprocess.Popen(
        [python, script, tmp_path], env={**os.environ, "PYTHONPATH": str(HOUSE / "src")}, start_new_session=True
    )
    try:
        wait_until(lambda: len(list(tmp_path.glob("*.json"))) == 2)
        loaders = {int(file.stem): json.loads(file.read_text(encoding="utf-8")) for file in tmp_path.glob("*.json")}
        first, second = loaders.values()
        assert first != second
        training.kill()
        training.wait()
        wait_until(lambda: not any(process(loader) for loader in loaders))
    finally:
        if training.poll() is None:
            os.killpg(training.pid, signal.SIGKILL)
