"""Take away what single jobs of a finished study made, and compare what they make again."""

from __future__ import annotations

import shutil

from studies import Job, Study


def job_of_each_rule(study: Study) -> dict[str, Job]:
    """The first job of each rule."""
    return {job.rule: job for job in reversed(study.planned("--forceall"))}


def remove(study: Study, job: Job) -> None:
    """Take away what a job made, and its log."""
    for output in job.outputs:
        path = study.folder / output
        if path.name == "manifest.json":
            shutil.rmtree(path.parent)
        else:
            path.unlink()
    (study.folder / job.log).unlink()


def require_same(expected: Study, found: Study, job: Job) -> None:
    """What a job made is the same to the bit; of folders their manifests, which hold the digests."""
    for output in job.outputs:
        assert (found.folder / output).read_bytes() == (expected.folder / output).read_bytes(), output
