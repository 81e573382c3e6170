"""Rule score_thresholds."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.validation.recalibration import score_thresholds

classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
rows = score_thresholds(job.params.models, classification, statistics)
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
