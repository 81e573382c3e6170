"""Rule register."""

from pathlib import Path

from _here import job

from residua.registration.register import register
from residua.registration.transforms import TransformFiles
from residua.settings.registration import SequenceRegistration

resected, label = job.input.get("resected"), job.output.get("label")
register(
    reference=Path(job.input.reference),
    moving=Path(job.input.moving),
    settings=SequenceRegistration.model_validate(job.params.settings),
    threads=job.threads,
    out=Path(job.output.image),
    transform=TransformFiles(Path(job.output.affine), Path(job.output.warp)),
    quality=Path(job.output.quality),
    resected=Path(resected) if resected else None,
    warped=Path(label) if label else None,
    patient=job.wildcards.patient,
    sequence=Path(job.output.image).name.removesuffix(".nii.gz"),
)
