"""Rule supplementary_table."""

from _here import job

from residua.settings.statistics import Statistics
from residua.tables.supplement import supplementary_table
from residua.tables.write import write_table

statistics = Statistics.model_validate(job.params.statistics)
table = supplementary_table(job.wildcards.supplement, job.input[0], job.params.arch_labels, statistics)
write_table(table, dict(job.output.items()))
