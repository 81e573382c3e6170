"""Rule check_cohort."""

import _here  # noqa: F401

from residua.cohort.table import Patient
from residua.cohort.voxels import check_voxels
from residua.publish import write_json

job = snakemake
patients = [Patient(**record) for record in job.params.patients]
write_json(job.output[0], check_voxels(patients, job.params.kinds))
