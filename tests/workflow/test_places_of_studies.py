"""Where a study lies and who else works there: links, blanks, other studies, and disks that are full or read-only."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from environments import build_environments
from made_again import job_of_each_rule, remove, require_same
from small_disk import mounted
from studies import Job, Study

TARGET = "results/cohort/folds.json"
pytestmark = pytest.mark.long


def begun(study: Study) -> subprocess.Popen[str]:
    """Start the study's first job."""
    build_environments()
    command = study.command(TARGET)
    return subprocess.Popen(command, cwd=study.house, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_studies_run_at_once_and_the_same_one_through_a_link_only_once(fresh: Study, tmp_path: Path) -> None:
    other = fresh.copied(tmp_path / "Studie für uns")
    link = tmp_path / "link"
    link.symlink_to(fresh.folder)
    runs = [begun(study) for study in (fresh, replace(fresh, folder=link), other)]
    said = [run.communicate()[0] for run in runs]
    assert runs[2].returncode == 0, said[2]
    assert (other.folder / TARGET).read_bytes() == (fresh.folder / TARGET).read_bytes()
    # Whichever came first; or both, where the first had ended before the second looked.
    ended = [text for run, text in zip(runs[:2], said[:2], strict=True) if run.returncode == 0]
    refused = [text for run, text in zip(runs[:2], said[:2], strict=True) if run.returncode != 0]
    assert ended
    for text in refused:
        assert "Another run works in this folder (process " in text
        assert "Traceback" not in text
    assert len(refused) == 1 or "Nothing to be done" in "".join(ended)


@pytest.fixture
def results(fresh: Study, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The results of a study on a disk of their own, mounted with these options."""
    folder = fresh.folder / "results"
    folder.mkdir()
    with mounted(folder, request.param):
        yield folder


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ("ro,size=1m", "Read-only file system (results/cohort); let it be written to"),
        ("size=8k", "No space left on device; make room on that disk"),
    ],
    indirect=["results"],
    ids=["read-only", "full"],
)
@pytest.mark.usefixtures("results")
def test_results_that_cannot_be_written_are_said_in_one_message(fresh: Study, says: str) -> None:
    done = fresh.snakemake(TARGET)
    text = done.stdout + done.stderr
    assert done.returncode == 1
    assert f"{fresh.folder}: nothing can be written there: {says}" in text
    assert "Traceback" not in text
    assert "OSError" not in text
    assert not list(fresh.folder.glob(".snakemake/locks/*"))


@pytest.fixture(scope="module")
def jobs(finished: Study) -> dict[str, Job]:
    """A job of each rule of the finished study."""
    build_environments()
    return job_of_each_rule(finished)


WRITERS_ELSEWHERE = ("train", "predict", "figure3", "report")
"""Libraries of these keep caches in the home, or their files in $TMPDIR."""


def test_a_home_that_cannot_be_written_changes_nothing(
    study: Study, finished: Study, jobs: dict[str, Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    again = [jobs[rule] for rule in ("register", *WRITERS_ELSEWHERE)]
    for job in again:
        remove(study, job)
    with mounted(home, "ro"):
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        done = study.snakemake("--", *(job.outputs[0] for job in again))
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert f"{home}/.cache cannot be written to: this run keeps" in said
    for job in again:
        require_same(finished, study, job)


def test_a_full_tmpdir_ends_a_registration_and_nothing_else(
    study: Study, finished: Study, jobs: dict[str, Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    others = [jobs[rule] for rule in WRITERS_ELSEWHERE]
    for job in others:
        remove(study, job)
    # Python takes another folder for a disk without any room.
    with mounted(scratch, "size=64k"):
        monkeypatch.setenv("TMPDIR", str(scratch))
        study.run("--", *(job.outputs[0] for job in others))
        remove(study, jobs["register"])
        done = study.snakemake("--", jobs["register"].outputs[0])
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert re.search(rf"^register: .*{scratch}.* make room, or set TMPDIR to a larger folder$", said, re.M), said
    monkeypatch.delenv("TMPDIR")
    study.run("--", jobs["register"].outputs[0])
    for job in (jobs["register"], *others):
        require_same(finished, study, job)
