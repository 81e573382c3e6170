"""Rules prepare_reference_standard, prepare_stripped and prepare_sampled."""

from _here import job

from residua.networks.registry import prepare_of, settings_of
from residua.preparation.cases import ChannelCase
from residua.preparation.region_labels import sound_regions
from residua.publishing.failures import sound_files
from residua.publishing.images import by_patient
from residua.publishing.publish import stage

brains = sound_files(job.input.brain)
if (drawn := job.input.get("drawn")) is not None:
    channels = dict(zip(job.params.patients, drawn, strict=True))
else:
    channels = by_patient([job.input.made])
patients = [patient for patient in job.params.patients if patient in channels and patient in brains]
arch = job.wildcards.arch
settings = settings_of(arch).preparation_model.model_validate(job.params.settings)
regions = sound_regions(job.params.framed, job.input.regions, job.input.region_registrations, settings)
cases = [
    ChannelCase(patient, channels[patient], brains[patient], job.params.sampled, regions.get(patient))
    for patient in patients
]
with stage(job.output[0]) as part:
    prepare_of(arch)(cases, job.params.is_label, settings, part)
