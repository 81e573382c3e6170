"""Rule select_preoperative."""

from _here import job

from residua.networks.preoperative import select_before_surgery
from residua.networks.selection import require_apart
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import read_json, write_json

failed = left_out_in(job.input.left_out)
planned = {"training": job.params.patients, "validation": job.params.validation}
sides = {side: [patient for patient in members if patient not in failed] for side, members in planned.items()}
digests = [read_json(check)["digests"] for check in job.input.checks]
require_apart(sides, digests)
scan, label = job.params.columns
of_whom = sides["training"], scan, label, job.params.persons
write_json(job.output[0], select_before_surgery(list(job.input.prepared), *of_whom, digests))
