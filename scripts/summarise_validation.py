"""Rule summarise_validation."""

from _here import job

from residua.publishing.publish import write_json, write_text
from residua.validation.summary import Measurements, validation_page, validation_record

files = job.input
thresholds = files.thresholds[0] if files.thresholds else None
made = Measurements(files.outcomes, list(files.metrics), files.scores, thresholds, list(files.candidates))
record = validation_record(made, job.params.unlabelled, job.params.notes)
tables = dict(zip(job.params.tables, files.tables, strict=True))
write_json(job.output.record, record)
write_text(job.output.page, validation_page(record, tables, job.params.names))
