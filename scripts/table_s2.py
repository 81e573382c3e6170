"""Rule table_s2."""

from _here import job

from residua.publishing.publish import read_json
from residua.tables.grids import grids_table
from residua.tables.write import write_table

table = grids_table(list(job.input.checks), read_json(job.input.folds), job.params.sequences)
write_table(table, dict(job.output.items()))
