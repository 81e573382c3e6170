"""Rule prepare_derived."""

import tempfile
from pathlib import Path

from _here import job

from residua.networks.registry import prepare_of, settings_of
from residua.preparation.cases import ChannelCase
from residua.preparation.derived import derive
from residua.preparation.region_labels import sound_regions
from residua.publishing.failures import sound_files
from residua.publishing.images import by_patient
from residua.publishing.publish import stage
from residua.settings.channels import DerivedChannel

brains = sound_files(job.input.brain)
first, second = (by_patient([manifest]) for manifest in job.input.sources)
how = DerivedChannel.model_validate(job.params.definition)
arch = job.wildcards.arch
settings = settings_of(arch).preparation_model.model_validate(job.params.settings)
regions = sound_regions(job.params.framed, job.input.regions, job.input.region_registrations, settings)
with stage(job.output[0]) as part, tempfile.TemporaryDirectory(prefix="derived-") as place:
    for patient in job.params.patients:
        if patient in brains and patient in first and patient in second:
            made = Path(place) / f"{patient}.nii.gz"
            derive((first[patient], second[patient]), brains[patient], how, made)
            case = ChannelCase(patient, made, brains[patient], job.params.sampled, regions.get(patient))
            prepare_of(arch)([case], False, settings, part)
            made.unlink()
