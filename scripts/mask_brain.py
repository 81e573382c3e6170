"""Rule mask_brain."""

from _here import job

from residua.brain.mask import mask_brains
from residua.publishing.batches import settings_digest
from residua.publishing.publish import stage
from residua.settings.brain_mask import BrainMask

references = dict(zip(job.params.patients, job.input.references, strict=True))
given = dict(zip(job.params.patients, job.input.given, strict=False))
with stage(job.output[0], resumes=settings_digest(job.params.settings, job.params.code)) as part:
    mask_brains(BrainMask.model_validate(job.params.settings), references, given, part)
