"""Rule prepare."""

import _here  # noqa: F401

from residua.networks.registry import prepare_of, settings_of
from residua.preparation.brain_crop import ChannelCase
from residua.publishing.failures import sound_files
from residua.publishing.publish import stage, verified

job = snakemake
brains = sound_files(job.input.brain)
channels = dict(zip(job.params.patients, job.input.channels, strict=False))
if job.input.made:
    channels = {name.removesuffix(".nii.gz"): file for name, file in verified(job.input.made).items()}
patients = [patient for patient in job.params.patients if patient in channels and patient in brains]
cases = [ChannelCase(patient, channels[patient], brains[patient], job.params.sampled) for patient in patients]
arch = job.wildcards.arch
settings = settings_of(arch).preparation_model.model_validate(job.params.settings)
with stage(job.output[0]) as part:
    prepare_of(arch)(cases, job.params.is_label, settings, part)
