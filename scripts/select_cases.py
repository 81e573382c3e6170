"""Rule select_cases."""

from _here import job

from residua.networks.cases import Channel
from residua.networks.selection import require_apart, select_cases, without_incomplete
from residua.publishing.failure_report import require_none
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import read_json, write_json

failed, channels = left_out_in(job.input.left_out), [Channel(**record) for record in job.params.channels]
patients = {group: [p for p in members if p not in failed] for group, members in job.params.patients.items()}
selection = select_cases(list(job.input.prepared), patients, channels, job.params.lacking)
if job.params.leave_failed_out:
    selection = without_incomplete(selection)
else:
    require_none(read_json(job.input.failures), brief=True)
if job.params.persons:
    selection["persons"] = job.params.persons
require_apart(patients, [read_json(check)["digests"] for check in job.input.checks])
write_json(job.output[0], selection)
