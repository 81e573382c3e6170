"""Rule intervals."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import read_cases
from residua.statistics.intervals import intervals
from residua.statistics.overlaps import overlaps

classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
rows = intervals(read_cases(list(job.input)), classification, statistics)
for frame, output in ((rows, job.output.intervals), (overlaps(rows), job.output.overlaps)):
    with writing(output) as beside:
        frame.to_parquet(beside, index=False)
