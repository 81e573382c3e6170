"""Rule sample."""

from pathlib import Path

from _here import job

from residua.networks.registry import settings_of, target_grid_of
from residua.preparation.region_labels import sound_regions
from residua.preparation.sampling import NativeChannel, Sampling, sample
from residua.publishing.failures import sound_among
from residua.publishing.publish import stage
from residua.registration.transforms import TransformFiles

patients = job.params.patients
arch = job.wildcards.arch
settings = settings_of(arch).preparation_model.model_validate(job.params.settings)
target_grid = target_grid_of(arch, settings)
regions = sound_regions(job.params.framed, job.input.regions, job.input.region_registrations, settings)
channels = dict(zip(patients, job.input.channels, strict=True))
parts = zip(job.input.affines, job.input.warps, strict=True)
registered: list[TransformFiles | None] = [TransformFiles(Path(affine), Path(warp)) for affine, warp in parts]
# A channel on the reference grid has no registration.
transforms = dict(zip(patients, registered or [None] * len(patients), strict=True))
with stage(job.output[0]) as part:
    for patient, brain in sound_among(patients, job.input.brain, job.input.registrations):
        case = NativeChannel(patient, Path(channels[patient]), brain, transforms[patient], regions.get(patient))
        sample(case, target_grid, Sampling(**job.params.sampling), part / f"{patient}.nii.gz")
