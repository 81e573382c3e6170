"""Rule prepare_preoperative."""

import tempfile
from pathlib import Path

from _here import job

from residua.networks.registry import prepare_of, settings_of
from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip
from residua.publishing.failures import sound_files
from residua.publishing.publish import stage

brains = sound_files(job.input.brain)
scans = dict(zip(job.params.patients, job.input.scans, strict=True))
arch = job.wildcards.arch
settings = settings_of(arch).preparation_model.model_validate(job.params.settings)
with stage(job.output[0]) as part, tempfile.TemporaryDirectory(prefix="stripped-") as place:
    for patient, scan in scans.items():
        if patient in brains:
            # One network alone sees the stripped scan: it is not kept.
            made = Path(place) / f"{patient}.nii.gz"
            strip(ChannelCase(patient, Path(scan), brains[patient]), made)
            prepare_of(arch)([ChannelCase(patient, made, brains[patient])], False, settings, part)
            made.unlink()
