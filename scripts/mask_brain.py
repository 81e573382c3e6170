"""Rule mask_brain."""

from _here import job, take_card_if_free

from residua.brain.mask import mask_brains
from residua.publishing.batches import settings_digest
from residua.publishing.publish import stage
from residua.settings.brain_mask import BrainMask

references = dict(zip(job.params.patients, job.input.references, strict=True))
given = dict(zip(job.params.patients, job.input.given, strict=False))
settings = BrainMask.model_validate(job.params.settings)
if settings.method == "hd-bet":
    # It takes minutes a patient on processors; the other methods take seconds.
    take_card_if_free()
with stage(job.output[0], resumes=settings_digest(job.params.settings, job.params.code)) as part:
    mask_brains(settings, references, given, part)
