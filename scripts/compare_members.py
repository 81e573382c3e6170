"""Rule compare_members."""

from _here import job

from residua.publishing.publish import read_json, stage
from residua.segmentation.members import compare_members
from residua.settings.postprocessing import Postprocessing

postprocessing = Postprocessing.model_validate(job.params.postprocessing)
threshold = read_json(job.input.threshold)["threshold"]
with stage(job.output[0], facts={"threshold": threshold}) as part:
    compare_members(job.input.ensemble, threshold, postprocessing, part)
