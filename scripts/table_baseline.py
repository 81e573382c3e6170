"""Rule table_baseline."""

from _here import job

from residua.publishing.publish import read_json
from residua.tables.baseline import baseline_table
from residua.tables.write import write_table

given = (job.params.clinical, job.params.reference, job.params.resected)
write_table(baseline_table(list(job.input.checks), read_json(job.input.folds), *given), dict(job.output.items()))
