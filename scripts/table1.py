"""Rule table1."""

import _here  # noqa: F401

from residua.publishing.publish import read_json
from residua.tables.table1 import cohort_table
from residua.tables.write import write_table

job = snakemake
table = cohort_table(list(job.input.checks), read_json(job.input.folds), job.params.residual_tumor_ml)
write_table(table, dict(job.output.items()))
