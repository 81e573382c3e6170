"""Rule collect_faults."""

import _here  # noqa: F401

from residua.faults import faults_among
from residua.publish import write_json

job = snakemake
write_json(job.output[0], faults_among(job.input.registrations, job.input.masks))
