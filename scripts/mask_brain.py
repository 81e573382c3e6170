"""Rule mask_brain."""

import _here  # noqa: F401

from residua.brain import mask_brains
from residua.publish import stage

job = snakemake
references = dict(zip(job.params.patients, job.input.references, strict=True))
given = dict(zip(job.params.patients, job.input.given, strict=False))
with stage(job.output[0]) as part:
    mask_brains(job.params.method, references, given, part)
