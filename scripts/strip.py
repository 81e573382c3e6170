"""Rule strip."""

import _here  # noqa: F401

from residua.faults import sound_files
from residua.preparation import ChannelCase, strip
from residua.publish import stage

job = snakemake
brains = sound_files(job.input.brain)
with stage(job.output[0]) as part:
    for patient, image in zip(job.params.patients, job.input.images, strict=True):
        if patient in brains:
            strip(ChannelCase(patient, image, brains[patient]), part / f"{patient}.nii.gz")
