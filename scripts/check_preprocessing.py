"""Rule check_preprocessing."""

import _here  # noqa: F401

from residua.publishing.failures import require_none
from residua.publishing.publish import read_json, write_json

job = snakemake
found = read_json(job.input[0])
require_none(found)
write_json(job.output[0], {"sound": found["records"]})
