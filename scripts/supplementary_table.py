"""Rule supplementary_table."""

import _here  # noqa: F401

from residua.settings.statistics import Statistics
from residua.tables.supplement import supplementary_table
from residua.tables.write import write_table

job = snakemake
statistics = Statistics.model_validate(job.params.statistics)
table = supplementary_table(job.wildcards.supplement, job.input[0], job.params.arch_labels, statistics)
write_table(table, dict(job.output.items()))
