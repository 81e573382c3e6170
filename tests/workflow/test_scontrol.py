"""A local run needs nothing of SLURM: Snakemake's plugin asks `scontrol` once at a start, whatever comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments import build_environments
from studies import Study

TARGET = "results/cohort/folds.json"
SLURM = ("sbatch", "srun", "squeue", "sinfo", "sacct", "sacctmgr", "scontrol")
ABSENT, FAILS, HANGS = None, "echo 'Unable to contact slurm controller' >&2; exit 1", "exec sleep 60"


def path_with(programs: Path, calls: Path, does: str | None) -> str:
    """A search path on which SLURM's programs write down how they are called, or where there are none."""
    programs.mkdir()
    if does is None:
        for program in (*Path("/usr/bin").iterdir(), *Path("/bin").iterdir()):
            if program.name not in SLURM and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
        return str(programs)
    for name in SLURM:
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {calls}\n{does}\n')
        (programs / name).chmod(0o755)
    return f"{programs}:/usr/bin:/bin"


@pytest.mark.parametrize(
    "does",
    [
        pytest.param(ABSENT, id="absent", marks=pytest.mark.long),
        pytest.param(FAILS, id="fails", marks=pytest.mark.long),
        pytest.param(HANGS, id="hangs"),
    ],
)
def test_a_local_run_ends_well_whatever_scontrol_does(
    fresh: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str | None
) -> None:
    build_environments()  # by Snakemake, too
    calls = tmp_path / "calls"
    monkeypatch.setenv("PATH", path_with(tmp_path / "programs", calls, does))
    done = fresh.snakemake(TARGET)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (fresh.folder / TARGET).is_file()
    assert (calls.read_text().splitlines() if calls.is_file() else []) == (["scontrol show config"] if does else [])
