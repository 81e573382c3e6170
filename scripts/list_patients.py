"""Rule list_patients."""

from _here import job

from residua.cohort.table.patient import Patient
from residua.inference.input_warnings import warnings_by_patient
from residua.inference.outcomes import Made, outcomes
from residua.publishing.publish import read_json, write_json
from residua.settings.study import Study

names = ("selections", "probabilities", "masks", "thresholds", "resections")
files = [getattr(job.input, name) for name in names]
made = {tuple(model): Made(*own) for model, *own in zip(job.params.models, *files, strict=True)}
failures = read_json(job.input.failures)["problems"]
study = Study.model_validate({"cohort": "cohort table", **job.params.settings})
warnings = warnings_by_patient(study, [Patient(**record) for record in job.params.checked], job.input.checks)
write_json(job.output[0], outcomes(job.params.patients, made, failures, warnings))
