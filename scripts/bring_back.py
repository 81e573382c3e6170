"""Rule bring_back."""

from pathlib import Path

from _here import job

from residua.publishing.publish import stage
from residua.registration.back import WayBack, bring_all_back
from residua.registration.transforms import TransformFiles

parts = zip(job.input.moving, job.input.affines, job.input.warps, job.input.qualities, strict=True)
ways = [
    WayBack(Path(moving), TransformFiles(Path(affine), Path(warp)), Path(quality))
    for moving, affine, warp, quality in parts
]
with stage(job.output[0]) as part:
    bring_all_back(job.input.masks, dict(zip(job.params.patients, ways, strict=True)), part)
