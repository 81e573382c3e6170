"""Rule compare_inputs."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases
from residua.statistics.compare_inputs import compare_inputs

classification = Classification.model_validate(job.params.classification)
rows = compare_inputs(read_cases(list(job.input)), classification, job.params.alpha)
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
