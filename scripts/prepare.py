"""Rule prepare."""

import _here  # noqa: F401

from residua.networks.registry import prepare_of
from residua.preparation import ChannelCase
from residua.publish import stage, verified

job = snakemake
patients, sampled = job.params.patients, job.params.sampled
brains = verified(job.input.brain)
given = dict(zip(patients, job.input.channels, strict=False))
made = {} if given else verified(job.input.made)
channels = {patient: given.get(patient) or made[f"{patient}.nii.gz"] for patient in patients}
cases = [ChannelCase(patient, channels[patient], brains[f"{patient}.nii.gz"], sampled) for patient in patients]
with stage(job.output[0]) as part:
    prepare_of(job.wildcards.arch)(cases, job.params.is_label, job.params.settings, part)
