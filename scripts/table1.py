"""Rule table1."""

from _here import job

from residua.publishing.publish import read_json
from residua.tables.table1 import cohort_table
from residua.tables.write import write_table

table = cohort_table(list(job.input.checks), read_json(job.input.folds), job.params.residual_tumor_ml)
write_table(table, dict(job.output.items()))
