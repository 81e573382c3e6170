"""Rule select_preoperative."""

from _here import job

from residua.networks.preoperative import select_before_surgery
from residua.networks.selection import require_apart
from residua.publishing.publish import read_json, write_json

sides = {"training": job.params.patients, "validation": job.params.validation}
require_apart(sides, [read_json(check)["digests"] for check in job.input.checks])
write_json(job.output[0], select_before_surgery(list(job.input.prepared), job.params.patients, *job.params.columns))
