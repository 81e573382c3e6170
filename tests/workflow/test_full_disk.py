"""A disk becomes full while a job writes, of any kind: said plainly, nothing half-written, and the same after it."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from environments import build_environments
from made_again import job_of_each_rule, remove, require_same
from sameness import require_nothing_half_written
from small_disk import SmallDisk, mounted
from studies import Job, Study

ROOM = "size=1g"
KINDS = {
    "registration": "register",
    "brain mask": "mask_brain",
    "prepared channel": "prepare_stripped",
    "training": "train",
    "prediction": "predict",
    "segmentation": "segment",
    "numbers": "measure",
    "table": "table3",
    "figure": "figure3",
    "report": "report",
}
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    """A disk for the results of a study."""
    folder = tmp_path_factory.mktemp("small") / "Studie für uns" / "results"
    folder.mkdir(parents=True)
    with mounted(folder, ROOM) as small:
        yield small


@pytest.fixture(scope="module")
def study(finished: Study, disk: SmallDisk) -> Study:
    """The finished study with its results on that disk, behind a link; its folder has a blank and an umlaut."""
    folder = disk.folder.parent
    shutil.copytree(finished.folder, folder, dirs_exist_ok=True)
    link = folder.with_name("link")
    link.symlink_to(folder)
    return Study(link)


@pytest.fixture(scope="module")
def jobs(study: Study) -> dict[str, Job]:
    """The first job of each rule."""
    return job_of_each_rule(study)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_ends_the_job_and_nothing_else(
    study: Study, finished: Study, disk: SmallDisk, jobs: dict[str, Job], kind: str
) -> None:
    job = jobs[KINDS[kind]]
    remove(study, job)
    said = fill_while_it_runs(study, disk, job)
    print(said)
    print((study.folder / job.log).read_text())
    assert re.search(rf"^{job.rule}: .*No space left on device.*; make room on that disk", said, re.MULTILINE), said
    assert "Traceback" not in said

    study.run(job.outputs[0])
    require_nothing_half_written(study)
    require_same(finished, study, job)


def fill_while_it_runs(study: Study, disk: SmallDisk, job: Job) -> str:
    """Fill the disk as soon as the job has begun; return what the run said."""
    build_environments()
    run = subprocess.Popen(
        study.command("--", job.outputs[0]),
        cwd=study.house,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while not (study.folder / job.log).exists() and run.poll() is None:
        time.sleep(0.01)
    disk.fill()
    try:
        said, _ = run.communicate()
    finally:
        disk.remount(ROOM)
    assert run.returncode == 1, said
    return said
