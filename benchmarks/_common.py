"""What benchmarks share: the checkout, a placeholder cohort, and steps that run in another environment."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

HOUSE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HOUSE / "tests"), str(HOUSE / "tests" / "workflow")]

from environments import python_in  # noqa: E402
from published_cohort import COLUMNS, PATIENTS_BY_HOSPITAL, write_published_cohort  # noqa: E402

__all__ = ["COLUMNS", "HOUSE", "PATIENTS_BY_HOSPITAL", "steps_of", "write_published_cohort"]


def steps_of(script: Path, environment: str, *arguments: str) -> list[dict[str, Any]]:
    """Run a script in the environment of ``envs/{environment}.yaml`` and return the records of its last line (JSON)."""
    done = python_in(environment, str(script), *arguments)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    records: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return records
