"""Rule list_lesions."""

from _here import job

from residua.metrics.lesion_list import lesion_list
from residua.publishing.publish import writing

with writing(job.output[0]) as beside:
    lesion_list(job.input).to_parquet(beside, index=False)
