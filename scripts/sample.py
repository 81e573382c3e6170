"""Rule sample."""

from pathlib import Path

import _here  # noqa: F401

from residua.faults import sound_files
from residua.networks.registry import target_grid_of
from residua.publish import stage
from residua.registration import TransformFiles
from residua.sampling import NativeChannel, Sampling, sample

job = snakemake
brains = sound_files(job.input.brain)
target_grid = target_grid_of(job.wildcards.arch)
parts = zip(job.input.affines, job.input.warps, strict=True)
transforms = [TransformFiles(Path(affine), Path(warp)) for affine, warp in parts]
patients = job.params.patients
cases = zip(patients, job.input.channels, transforms or [None] * len(patients), strict=True)
with stage(job.output[0]) as part:
    for patient, channel, transform in cases:
        if patient in brains:
            case = NativeChannel(patient, Path(channel), brains[patient], transform)
            sample(case, target_grid, job.params.settings, Sampling(**job.params.sampling), part / f"{patient}.nii.gz")
