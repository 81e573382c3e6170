"""Rule table3."""

from _here import job

from residua.publishing.left_out import left_out_in
from residua.publishing.notes import worded
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.tables.table3 import performance_table
from residua.tables.write import write_table

classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
notes = worded(job.params.notes, left_out_in(job.input.left_out))
table = performance_table(list(job.input.metrics), classification, statistics, job.params.arch_labels, notes)
write_table(table, dict(job.output.items()))
