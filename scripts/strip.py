"""Rule strip."""

from pathlib import Path

from _here import job

from residua.preparation.cases import ChannelCase
from residua.preparation.strip import strip
from residua.preparation.strip_moved import WayToReference, strip_moved
from residua.publishing.failures import sound_among
from residua.publishing.publish import stage
from residua.registration.transforms import TransformFiles

patients, how = job.params.patients, job.params.interpolation
images = dict(zip(patients, job.input.images, strict=True))
parts = zip(job.input.references, job.input.affines, job.input.warps, strict=True)
found = [WayToReference(Path(fixed), TransformFiles(Path(affine), Path(warp)), how) for fixed, affine, warp in parts]
movements = dict(zip(patients, found, strict=True)) if found else {}
with stage(job.output[0]) as part:
    for patient, brain in sound_among(patients, job.input.brain, job.input.registrations):
        case, out = ChannelCase(patient, Path(images[patient]), brain), part / f"{patient}.nii.gz"
        if patient in movements:
            strip_moved(case, movements[patient], out)
        else:
            strip(case, out)
