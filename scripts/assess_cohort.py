"""Rule assess_cohort."""

import _here  # noqa: F401

from residua.quality.cohort import Outputs, assess_cohort

job = snakemake
manifests = dict(zip(job.params.batches, job.input.batches, strict=True))
assess_cohort(manifests, job.params.hospitals, Outputs(job.output.table, job.output.flags, job.output.page))
