"""Rule segment."""

import _here  # noqa: F401

from residua.publishing.publish import read_json, stage
from residua.segmentation.segment_patients import segment_all
from residua.settings.postprocessing import Postprocessing

job = snakemake
postprocessing = Postprocessing.model_validate(job.params.postprocessing)
threshold = read_json(job.input.threshold)["threshold"]
with stage(job.output[0], facts={"threshold": threshold}) as part:
    segment_all(list(job.input.predictions), threshold, postprocessing, part)
