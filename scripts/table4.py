"""Rule table4."""

from _here import job

from residua.settings.classification import Classification
from residua.tables.table4 import classification_table
from residua.tables.write import write_table

classification = Classification.model_validate(job.params.classification)
table = classification_table(list(job.input), classification, job.params.arch_labels, job.params.notes)
write_table(table, dict(job.output.items()))
