"""Rule table3."""

from _here import job

from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.tables.table3 import performance_table
from residua.tables.write import write_table

classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
table = performance_table(list(job.input), classification, statistics, job.params.arch_labels, job.params.notes)
write_table(table, dict(job.output.items()))
