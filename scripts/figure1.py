"""Rule figure1."""

from _here import job

from residua.figures.figure1 import figure1
from residua.publishing.failure_report import problems_among, require_none
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import verified

for manifest in job.input.brains:
    verified(manifest)
collected, failed = problems_among(job.input.registrations, []), set(left_out_in(job.input.left_out))
if job.params.leaves_out:
    # Also of sequences that no network sees.
    failed |= {problem["patient"] for problem in collected["problems"]}
else:
    require_none(collected)
examples = [own for own, patient in zip(job.params.examples, job.params.patients, strict=True) if patient not in failed]
out = (job.output.pdf, job.output.png, job.output.txt)
figure1(examples, job.params.columns, job.params.outlined, out)
