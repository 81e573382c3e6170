"""Rule take_elsewhere."""

from _here import job

from residua.external.take import take_predictions
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import stage

failed = left_out_in(job.input.left_out)
files = dict(zip(job.params.patients, job.input.predictions, strict=True))
references = dict(zip(job.params.patients, job.input.references, strict=True))
with stage(job.output[0]) as part:
    take_predictions({p: file for p, file in files.items() if p not in failed}, references, job.params.kind, part)
