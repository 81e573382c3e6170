"""Rule prepare."""

import _here  # noqa: F401

from residua.faults import sound_files
from residua.networks.registry import prepare_of
from residua.preparation import ChannelCase
from residua.publish import stage, verified

job = snakemake
brains = sound_files(job.input.brain)
given = dict(zip(job.params.patients, job.input.channels, strict=False))
made = {} if given else verified(job.input.made)
channels = given or {patient: made[f"{patient}.nii.gz"] for patient in job.params.patients if patient in brains}
cases = [
    ChannelCase(patient, channels[patient], brains[patient], job.params.sampled)
    for patient in job.params.patients
    if patient in brains
]
with stage(job.output[0]) as part:
    prepare_of(job.wildcards.arch)(cases, job.params.is_label, job.params.settings, part)
