"""Rule collect_failures."""

from _here import job

from residua.publishing.failure_report import problems_among
from residua.publishing.publish import write_json

write_json(job.output[0], problems_among(job.input.registrations, job.input.masks))
