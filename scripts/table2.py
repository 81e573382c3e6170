"""Rule table2."""

from _here import job

from residua.publishing.publish import read_json
from residua.tables.table2 import split_table
from residua.tables.write import write_table

write_table(split_table(read_json(job.input[0])), dict(job.output.items()))
