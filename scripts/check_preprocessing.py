"""Rule check_preprocessing."""

import _here  # noqa: F401

from residua.faults import require_none
from residua.publish import write_json

job = snakemake
masks = dict(zip(job.input.masks, job.params.masked, strict=True))
write_json(job.output[0], {"sound": require_none(job.input.registrations, masks)})
