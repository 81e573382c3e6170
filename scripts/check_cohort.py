"""Rule check_cohort."""

import _here  # noqa: F401

from residua.cohort.problems import Problem, raise_problems
from residua.cohort.table import Patient
from residua.cohort.voxels import check_voxels
from residua.publish import write_json

job = snakemake
found = check_voxels([Patient(**record) for record in job.params.patients], job.params.kinds)
raise_problems([Problem(**problem) for problem in found["problems"]], "These patients' images cannot be used")
write_json(job.output[0], found)
