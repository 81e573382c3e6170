"""Rule summarise_validation."""

from _here import job

from residua.publishing.publish import write_json, write_text
from residua.validation.summary import Measurements, validation_page, validation_record

thresholds = job.input.thresholds[0] if job.input.thresholds else None
made = Measurements(job.input.outcomes, list(job.input.metrics), job.input.scores, thresholds)
record = validation_record(made, job.params.unlabelled, job.params.drawn, job.params.notes)
tables = dict(zip(job.params.tables, job.input.tables, strict=True))
write_json(job.output.record, record)
write_text(job.output.page, validation_page(record, tables, job.params.names))
