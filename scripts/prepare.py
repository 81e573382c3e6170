"""Rule prepare."""

import _here  # noqa: F401

from residua.networks.registry import prepare_of
from residua.preparation import ChannelCase
from residua.publish import stage, verified

job = snakemake
patients = job.params.patients
brains = verified(job.input.brain)
given = dict(zip(patients, job.input.channels, strict=False))
stripped = {} if given else verified(job.input.stripped)
channels = {patient: given.get(patient) or stripped[f"{patient}.nii.gz"] for patient in patients}
cases = [ChannelCase(patient, channels[patient], brains[f"{patient}.nii.gz"]) for patient in patients]
with stage(job.output[0]) as part:
    prepare_of(job.wildcards.arch)(cases, job.params.is_label, job.params.settings, part)
