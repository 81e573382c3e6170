"""Rule strip."""

import _here  # noqa: F401

from residua.preparation import ChannelCase, strip
from residua.publish import stage, verified

job = snakemake
brains = verified(job.input.brain)
with stage(job.output[0]) as part:
    for patient, image in zip(job.params.patients, job.input.images, strict=True):
        strip(ChannelCase(patient, image, brains[f"{patient}.nii.gz"]), part / f"{patient}.nii.gz")
