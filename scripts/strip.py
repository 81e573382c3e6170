"""Rule strip."""

from _here import job

from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip
from residua.publishing.failures import sound_among
from residua.publishing.publish import stage

images = dict(zip(job.params.patients, job.input.images, strict=True))
with stage(job.output[0]) as part:
    for patient, brain in sound_among(job.params.patients, job.input.brain, job.input.registrations):
        strip(ChannelCase(patient, images[patient], brain), part / f"{patient}.nii.gz")
