"""Rule table4."""

import _here  # noqa: F401

from residua.tables.table4 import classification_table
from residua.tables.write import write_table

job = snakemake
table = classification_table(list(job.input), job.params.classification, job.params.arch_labels, job.params.notes)
write_table(table, dict(job.output.items()))
