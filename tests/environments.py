"""Run Python inside an environment of envs/*.yaml, built as the workflow builds it."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parent.parent


SNAKEMAKE = (
    str(Path(sys.executable).parent / "snakemake"), "--snakefile", str(HOUSE / "tests/environments.smk"),
    "--workflow-profile", str(HOUSE / "profiles/default"), "--cores", "1",
)  # fmt: skip


@cache
def build_environments() -> str:
    """Let the workflow build every environment that is missing; return its list of them."""
    lock = HOUSE / ".snakemake" / "environments-of-tests.lock"
    lock.parent.mkdir(exist_ok=True)
    # Tests run side by side, and Snakemake neither waits for another one in this folder nor for one that builds.
    with lock.open("w") as alone:
        fcntl.lockf(alone, fcntl.LOCK_EX)
        command = [*SNAKEMAKE, "--quiet", "all", "--list-conda-envs"]
        listed = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=True).stdout
        # Every process of tests asks, and each start of Snakemake takes seconds.
        if not all((HOUSE / f"{place}.env_setup_done").exists() for _, place in places(listed)):
            command = [*SNAKEMAKE, "--conda-create-envs-only"]
            built = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)
            assert built.returncode == 0, built.stdout + built.stderr
        return listed


def places(listed: str) -> list[tuple[str, str]]:
    """Return the files and places of Snakemake's list of environments: lines of file, container and place."""
    rows = [[part.strip() for part in line.split("\t")] for line in listed.splitlines()[1:] if line.strip()]
    return [(row[0], row[-1]) for row in rows]


@cache
def environment(name: str) -> Path:
    """Where the environment of ``envs/{name}.yaml`` lies."""
    listed = build_environments()
    for source, place in places(listed):
        if Path(source).name == f"{name}.yaml":
            return (HOUSE / place).resolve()
    raise AssertionError(f"no environment {name}:\n{listed}")


def python_in(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run that environment's Python with this checkout's library and nothing else on its path."""
    variables = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONHOME")}
    variables |= {"PYTHONPATH": str(HOUSE / "src"), "OMP_NUM_THREADS": "1"}
    command = [str(environment(name) / "bin/python"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=variables)


if __name__ == "__main__":
    build_environments()
