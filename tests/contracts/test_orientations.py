"""A registration does not depend on the order in which the files store their axes."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from environments import HOUSE, python_in


def test_scans_stored_in_other_orders_are_registered_alike(micro_cohort: Path, tmp_path: Path) -> None:
    settings = yaml.safe_load((HOUSE / "tests/micro/config.yaml").read_text())["registration"]
    script = str(Path(__file__).parent / "orientation_check.py")
    done = python_in("core", script, str(micro_cohort), "GOT001", json.dumps(settings), str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["stored_as"][0] != found["stored_as"][1] == "LPS"
    assert found["same_grid"]
    assert found["same_voxels"]
    assert found["difference_of_sd"] < 1e-3
    assert found["correlation"] > 0.99999
