"""Rule describe_model."""

from _here import job

import pandas as pd

from residua.bundle.describe import ModelResults, describe_model
from residua.publishing.publish import write_json

intervals = pd.read_parquet(job.input.intervals)
own = (intervals["arch"] == job.wildcards.arch) & (intervals["inputs"] == job.wildcards.inputs)
results = ModelResults(pd.read_parquet(job.input.metrics), intervals[own], pd.read_parquet(job.input.quality))
write_json(job.output[0], describe_model(results, job.params.study, job.params.images, job.params.identity))
