"""Rule supplementary_tables."""

from _here import job

from residua.settings.statistics import Statistics
from residua.tables.supplement import supplementary_table
from residua.tables.write import write_table

statistics = Statistics.model_validate(job.params.statistics)
for place, (name, results) in enumerate(zip(job.params.names, job.input, strict=True)):
    table = supplementary_table(name, results, job.params.arch_labels, statistics, job.params.eligibility)
    write_table(table, {form: files[place] for form, files in job.output.items()})
