"""Rule warp_label."""

from pathlib import Path

from _here import job

from residua.registration.labels import warp_label
from residua.registration.transforms import TransformFiles

warp_label(
    reference=Path(job.input.reference),
    label=Path(job.input.label),
    transform=TransformFiles(Path(job.input.affine), Path(job.input.warp)),
    out=Path(job.output[0]),
)
