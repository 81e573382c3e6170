"""Rule check_cohort."""

import _here  # noqa: F401

from residua.cohort.checks import check_voxels
from residua.publish import write_json

job = snakemake
write_json(job.output[0], check_voxels(job.params.files, job.params.study))
