"""Rule plan_network."""

from _here import job

from residua.networks.cases import Channel
from residua.networks.plan_origin import ORIGIN, made_from
from residua.networks.registry import plan_of
from residua.preparation.planned_crops import planned_crops
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import write_json

crops = planned_crops(job.input.brains, job.params.patients, left_out_in(job.input.left_out))
channels = [Channel(**record) for record in job.params.channels]
plan = plan_of(job.wildcards.arch)(crops, channels, job.wildcards.plan)
write_json(job.output[0], {**plan, ORIGIN: made_from(job.params.patients, job.params.source)})
print(f"Planned from {len(crops)} patients of the folds.")
