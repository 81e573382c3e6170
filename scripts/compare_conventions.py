"""Rule compare_conventions."""

from _here import job

from residua.metrics.conventions import conventions_of
from residua.publishing.publish import writing
from residua.settings.conventions import Own
from residua.statistics.cases import read_cases
from residua.statistics.conventions import convention_numbers

own, sd_multiplier = Own.model_validate(job.params.own), job.params.interval_sd_multiplier
conventions = conventions_of(own, job.params.conventions)
found = convention_numbers(read_cases(list(job.input)), conventions, own.classification, sd_multiplier)
with writing(job.output[0]) as beside:
    found.to_parquet(beside, index=False)
