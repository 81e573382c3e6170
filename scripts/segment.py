"""Rule segment."""

from _here import job

from residua.publishing.publish import read_json, stage
from residua.segmentation.segment_patients import segment_all
from residua.settings.postprocessing import Postprocessing

postprocessing = Postprocessing.model_validate(job.params.postprocessing)
given = job.params.given
threshold = read_json(job.input.threshold[0])["threshold"] if given is None else given
with stage(job.output[0], facts={"threshold": threshold}) as part:
    segment_all(list(job.input.predictions), threshold, postprocessing, part)
