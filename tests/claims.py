"""Processes that hold the folder of a study, and what is on record there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from residua.cluster.claim import FOLDER

HOLD = """
import sys, time
from pathlib import Path
from residua.cluster.claim import claim_folder
claim = claim_folder(Path(sys.argv[1]))
if sys.argv[2]:
    claim.note_slurm(sys.argv[2])
print("held", flush=True)
time.sleep(600)
"""


def holder(study: Path, slurm: str = "", inside: Sequence[str] = ()) -> subprocess.Popen[str]:
    """A process that holds the folder; begun by the command ``inside``."""
    held = subprocess.Popen([*inside, sys.executable, "-c", HOLD, study, slurm], stdout=subprocess.PIPE, text=True)
    assert held.stdout is not None
    assert held.stdout.readline() == "held\n"
    return held


def record(study: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((study / FOLDER / "run.json").read_text())
    return found


def rewrite(study: Path, **facts: object) -> None:
    """Change what is on record of the last run."""
    told = record(study)
    told["run"].update(facts)
    (study / FOLDER / "run.json").write_text(json.dumps(told))
