"""Run Python inside an environment of envs/*.yaml, built as the workflow builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent


@cache
def environment(name: str) -> Path:
    """Where the environment of ``envs/{name}.yaml`` lies; asks the workflow to build it first."""
    snakemake = [str(Path(sys.executable).parent / "snakemake"), "--snakefile", str(HOUSE / "tests/environments.smk")]
    snakemake += ["--workflow-profile", str(HOUSE / "profiles/default"), "--cores", "1", "--quiet", "all"]
    built = subprocess.run([*snakemake, "--conda-create-envs-only"], cwd=HOUSE, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    listed = subprocess.run([*snakemake, "--list-conda-envs"], cwd=HOUSE, capture_output=True, text=True, check=True)
    for line in listed.stdout.splitlines():
        source, _, place = (part.strip() for part in line.rpartition("\t"))
        if Path(source.split("\t")[0]).name == f"{name}.yaml":
            return (HOUSE / place).resolve()
    raise AssertionError(f"no environment {name}:\n{listed.stdout}")


def python_in(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run that environment's Python with this checkout's library and nothing else on its path."""
    variables = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME")}
    variables |= {"PYTHONPATH": str(HOUSE / "src"), "OMP_NUM_THREADS": "1"}
    command = [str(environment(name) / "bin/python"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=variables)
