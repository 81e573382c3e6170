"""Rule table2."""

import _here  # noqa: F401

from residua.publish import read_json
from residua.tables.published import split_table, write_table

job = snakemake
write_table(split_table(read_json(job.input[0])), dict(job.output.items()))
