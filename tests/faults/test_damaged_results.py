"""Results that are damaged on the disk are refused by the stage that reads them; the terminal names file and remedy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from studies import HOUSE, Study

WARP, FOLDS = "results/registered/STO001/post_t1_warp.nii.gz", "results/cohort/folds.json"
TABLE = "results/tables/table2.html"


@pytest.fixture
def begun(micro_cohort: Path, tmp_path: Path) -> Study:
    folder = tmp_path / "study"
    shutil.copytree(micro_cohort, folder / "cohort")
    shutil.copy(HOUSE / "tests/micro/config.yaml", folder / "config.yaml")
    study = Study(folder)
    done = study.snakemake(WARP, FOLDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return study


def flipped(file: Path) -> None:
    """Change one bit and keep the time, as a disk that fails does."""
    status, content = file.stat(), file.read_bytes()
    middle = len(content) // 2
    file.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_each_stage_refuses_a_result_that_changed_on_the_disk(begun: Study) -> None:
    stripped = next(job.outputs[0] for job in begun.planned() if job.rule == "strip" and "/post_t1/S" in job.outputs[0])
    for damaged, target in ((FOLDS, TABLE), (WARP, stripped)):
        sound = (begun.folder / damaged).read_bytes()
        flipped(begun.folder / damaged)
        tried = begun.snakemake(target)
        said = tried.stdout + tried.stderr
        assert tried.returncode != 0
        assert f"{damaged}: changed or damaged since it was made" in said
        assert f"rm {damaged} and run the same snakemake command again" in said
        assert "Traceback" not in said
        (begun.folder / damaged).write_bytes(sound)
