"""Rule participant_flow."""

from _here import job

from residua.cohort.flow import flow_of_run
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import write_json

left_out = {**job.params.left_out, **left_out_in(job.input.left_out)}
flow = flow_of_run(list(job.input.checks), job.input.folds, left_out, job.params.lacking, job.params.residual_tumor_ml)
write_json(job.output[0], flow)
