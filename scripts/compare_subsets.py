"""Rule compare_subsets."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.statistics.subsets import compare_subsets

rows = compare_subsets(job.params.compared, Classification.model_validate(job.params.classification))
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
