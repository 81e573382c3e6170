"""Rule list_patients."""

from _here import job

from residua.inference.outcomes import Made, outcomes
from residua.publishing.publish import read_json, write_json

files = (job.input.selections, job.input.probabilities, job.input.masks, job.input.thresholds)
made = {tuple(model): Made(*own) for model, *own in zip(job.params.models, *files, strict=True)}
failures = read_json(job.input.failures)["problems"]
write_json(job.output[0], outcomes(job.params.patients, made, failures, job.params.residual_tumor_ml))
