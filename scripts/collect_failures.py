"""Rule collect_failures."""

from _here import job

from residua.publishing.failure_report import judged, problems_among
from residua.publishing.publish import write_json

collected = problems_among(job.input.registrations, job.input.masks)
write_json(job.output[0], judged(collected, **job.params.limits) if job.params.limits else collected)
