"""Rule describe_resections."""

from _here import job

from residua.publishing.publish import read_json, write_json
from residua.resection.record import describe_resections

before_ml = read_json(job.input.before)
described = describe_resections(job.input.masks, job.input.members, before_ml, job.params.residual_tumor_ml)
write_json(job.output[0], described)
