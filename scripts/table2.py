"""Rule table2."""

import _here  # noqa: F401

from residua.publishing.publish import read_json
from residua.tables.table2 import split_table
from residua.tables.write import write_table

job = snakemake
write_table(split_table(read_json(job.input[0])), dict(job.output.items()))
