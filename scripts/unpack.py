"""Rule unpack."""

from _here import job

from residua.inference.unpacking import publish_models

models = iter(job.output.models)
for path, folds, threshold in zip(job.input, job.params.folds, job.output.thresholds, strict=True):
    publish_models(path, {fold: next(models) for fold in folds}, threshold)
