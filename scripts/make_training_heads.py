"""Rule make_training_heads."""

from _here import job

from residua.brain_model.samples import slabs_of_batch
from residua.brain_model.settings import HeadsSettings
from residua.brain_model.store import write_slabs
from residua.publishing.publish import stage

settings, part, batch = HeadsSettings.model_validate(job.params.settings), job.wildcards.part, int(job.wildcards.batch)
with stage(job.output[0]) as folder:
    write_slabs(slabs_of_batch(settings, part, batch, tuple(job.params.slab)), folder)
