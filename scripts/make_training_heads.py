"""Rule make_training_heads."""

from _here import job

from residua.brain_model.samples import HELD_OUT, TRAINING, slabs_of
from residua.brain_model.settings import HeadsSettings
from residua.brain_model.store import write_slabs
from residua.publishing.publish import stage

settings, part, batch = HeadsSettings.model_validate(job.params.settings), job.wildcards.part, int(job.wildcards.batch)
heads = settings.heads if part == "training" else settings.held_out_heads
row = TRAINING if part == "training" else HELD_OUT
numbers = range(batch * settings.heads_per_job, min((batch + 1) * settings.heads_per_job, heads))
with stage(job.output[0]) as folder:
    made = [slab for number in numbers for slab in slabs_of(settings, row, number, tuple(job.params.slab))]
    write_slabs(made, folder)
