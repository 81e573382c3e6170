"""Rule compare_architectures."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases
from residua.statistics.compare_architectures import compare_architectures

classification = Classification.model_validate(job.params.classification)
rows = compare_architectures(read_cases(list(job.input)), job.params.best_inputs, classification, job.params.alpha)
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
