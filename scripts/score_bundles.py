"""Rule score_bundles."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import read_cases
from residua.validation.scores import score_bundles

classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
rows = score_bundles(read_cases(list(job.input)), job.params.stated, classification, statistics)
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
