"""Rule train."""

import _here  # noqa: F401

from residua.networks import train_of
from residua.networks.selection import read_training_set
from residua.publish import digest, stage
from residua.training import describe_training, show_progress

job = snakemake
selection, settings = job.input[0], job.params.settings
resumes = describe_training(digest(selection), job.params.version, settings)
data, channels, labels = read_training_set(selection)
with stage(job.output[0], facts={"training": resumes}, resumes=resumes) as part:
    progress = show_progress("epoch", part / "progress.json")
    train_of(job.wildcards.arch)(data, channels, labels, settings, part, progress)
