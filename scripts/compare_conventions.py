"""Rule compare_conventions."""

from _here import job

from residua.metrics.conventions import compared, convention_of
from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing
from residua.settings.statistics import Statistics
from residua.statistics.cases import read_cases
from residua.statistics.conventions import convention_numbers

own = job.params.own
classification, statistics = (
    Classification.model_validate(own["classification"]),
    Statistics.model_validate(own["statistics"]),
)
first = convention_of(Postprocessing.model_validate(own["postprocessing"]), classification, statistics)
conventions = compared(first, job.params.conventions)
found = convention_numbers(read_cases(list(job.input)), conventions, classification, statistics.interval_sd_multiplier)
with writing(job.output[0]) as beside:
    found.to_parquet(beside, index=False)
