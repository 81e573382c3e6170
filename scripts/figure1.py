"""Rule figure1."""

from _here import job

from residua.figures.figure1 import figure1
from residua.publishing.failure_report import problems_among, require_none
from residua.publishing.publish import verified

for manifest in job.input.brains:
    verified(manifest)
require_none(problems_among(job.input.registrations, []))
out = (job.output.pdf, job.output.png, job.output.txt)
figure1(job.params.examples, job.params.columns, job.params.outlined, out)
