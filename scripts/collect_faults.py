"""Rule collect_faults."""

import _here  # noqa: F401

from residua.publishing.failures import problems_among
from residua.publishing.publish import write_json

job = snakemake
write_json(job.output[0], problems_among(job.input.registrations, job.input.masks))
