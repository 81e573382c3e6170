"""Rule take_elsewhere."""

from _here import job

from residua.external.take import take_predictions
from residua.publishing.publish import stage

files = dict(zip(job.params.patients, job.input.predictions, strict=True))
references = dict(zip(job.params.patients, job.input.references, strict=True))
with stage(job.output[0]) as part:
    take_predictions(files, references, job.params.kind, part)
