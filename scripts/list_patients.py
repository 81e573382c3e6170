"""Rule list_patients."""

from _here import job

from residua.inference.outcomes import Made, outcomes
from residua.publishing.publish import read_json, write_json

names = ("selections", "probabilities", "masks", "thresholds", "resections")
files = [getattr(job.input, name) for name in names]
made = {tuple(model): Made(*own) for model, *own in zip(job.params.models, *files, strict=True)}
failures = read_json(job.input.failures)["problems"]
write_json(job.output[0], outcomes(job.params.patients, made, failures))
