"""Rule table3."""

import _here  # noqa: F401

from residua.tables.published import performance_table, write_table

job = snakemake
write_table(performance_table(list(job.input), job.params.classification), job.output.csv, job.output.md)
