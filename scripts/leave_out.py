"""Rule leave_out."""

from _here import job

from residua.publishing.failure_report import problems_among
from residua.publishing.leaving_out import left_out_by
from residua.publishing.publish import write_json

collected = problems_among(job.input.registrations, job.input.masks)
write_json(job.output[0], left_out_by(collected["problems"], job.params.hospitals))
