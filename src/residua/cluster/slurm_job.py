"""Whether a SLURM job still lives, asked of any node of its cluster."""

from __future__ import annotations

import re
import subprocess

_ANSWER_S = 60
_CLUSTER = re.compile(r"^ClusterName\s*=\s*(\S+)", re.MULTILINE)


def job_lives(number: str, cluster: str | None) -> bool | None:
    """Whether SLURM has not ended a job; None where it does not tell, or where another ``cluster`` answers."""
    if cluster:
        answers = _CLUSTER.search(_ask("scontrol", "show", "config")[1])
        if not answers or answers[1] != cluster:
            return None
    code, said = _ask("squeue", "--noheader", f"--jobs={number}", "--format=%T")
    if code == 0:
        return bool(said.strip())
    return False if "Invalid job id" in said else None


def _ask(*command: str) -> tuple[int, str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return -1, str(error)
    return done.returncode, done.stdout + (done.stderr if done.returncode else "")
