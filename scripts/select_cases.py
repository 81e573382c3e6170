"""Rule select_cases."""

import _here  # noqa: F401

from residua.networks.selection import select_cases
from residua.publish import write_json

job = snakemake
patients, channels, labels = job.params.patients, job.params.channels, job.params.labels
write_json(job.output[0], select_cases(list(job.input), patients, channels, labels))
