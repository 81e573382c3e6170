"""The processes and threads that load the batches of a training."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from test_networks import micro

from attempts import process, wait_until
from environments import HOUSE, environment, python_in


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


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("arch", "size"), [("nnunet", {"patch_size": [24, 24, 20]}), ("agunet", {"shape": [24, 24, 16]})]
)
def test_a_loader_that_fails_ends_the_training_at_once_with_the_reason(
    arch: str, size: dict[str, Any], tmp_path: Path
) -> None:
    settings = micro().settings_of(arch)
    given = json.dumps({**settings.model_dump(mode="json"), **size})
    script = str(Path(__file__).parent / "failing_loader_check.py")
    done = python_in(settings.environment, script, arch, given, str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((done.stdout + done.stderr).splitlines()) < 1000
    messages = json.loads(done.stdout.splitlines()[-1])
    assert "/post_t1ce/P" in messages["damaged"]
    # The data, and not the link by which the training opened them.
    assert "/runs/" not in messages["damaged"]
    assert "cannot be read (" in messages["damaged"]
    assert "run the same snakemake command again" in messages["damaged"]
    framework = {"nnunet": "torch", "agunet": "TensorFlow"}[arch]
    blind = f"the graphics card GPU-a0 is there, but {framework} 2[.0-9]+\\S* cannot use it"
    assert re.match(blind, messages["refused"])
    assert messages["unseen"].startswith(f"{messages['refused']}. This job runs on processors")
    if arch == "nnunet":
        # 40 batches of 2 patches, five channels of 4 bytes, the reference standard, in MiB.
        assert f"need up to {40 * 2 * 10**15 * 24 // 2**20} MiB" in messages["room"]
        assert "--shm-size" in messages["room"]
        assert "--set-threads train=1" in messages["room"]
        assert messages["sharing"].startswith("a process that loads the training data failed: RuntimeError: unable to ")
        for role in ("training", "validation"):
            assert messages[role] == (
                "a process that loads the training data failed: the process was ended from outside, such as for want "
                "of memory"
            )
        assert messages["all"].startswith("SIGTERM asked the training to leave; ")
        assert messages["saved"] == ["checkpoint-000001"]
        for kind in ("channel", "reference"):
            assert "/other/P1.b2nd has 7 × 8 × 9: they are not of the same patient" in messages[kind]
            assert messages[kind].count("/manifest.json") == 2
