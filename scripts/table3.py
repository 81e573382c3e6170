"""Rule table3."""

import _here  # noqa: F401

from residua.settings.classification import Classification
from residua.tables.table3 import performance_table
from residua.tables.write import write_table

job = snakemake
classification = Classification.model_validate(job.params.classification)
table = performance_table(list(job.input), classification, job.params.arch_labels, job.params.notes)
write_table(table, dict(job.output.items()))
