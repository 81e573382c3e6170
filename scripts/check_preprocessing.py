"""Rule check_preprocessing."""

from _here import job

from residua.publishing.failure_report import require_none
from residua.publishing.publish import read_json, write_json

collected = read_json(job.input[0])
require_none(collected)
write_json(job.output[0], {"sound": collected["records"] - len(collected["problems"])})
