"""Rule participant_flow."""

from _here import job

from residua.cohort.flow import flow_of_run
from residua.publishing.publish import write_json

flow = flow_of_run(
    list(job.input.checks), job.input.folds, job.params.left_out, job.params.lacking, job.params.residual_tumor_ml
)
write_json(job.output[0], flow)
