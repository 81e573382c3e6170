"""Rule unpack."""

from _here import job

from residua.inference.unpacking import unpack_models

models = iter(job.output.models)
for path, folds, threshold in zip(job.input, job.params.folds, job.output.thresholds, strict=True):
    unpack_models(path, {fold: next(models) for fold in folds}, threshold)
