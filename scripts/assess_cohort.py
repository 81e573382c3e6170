"""Rule assess_cohort."""

from _here import job

from residua.quality.cohort import Outputs, assess_cohort

manifests = dict(zip(job.params.batches, job.input.batches, strict=True))
out = Outputs(job.output.table, job.output.flags, job.output.page)
assess_cohort(manifests, job.params.hospitals, out, job.params.most_excluded)
