"""Rule nested_estimate."""

from _here import job

import pandas as pd

from residua.publishing.publish import read_json, writing
from residua.settings.classification import Classification
from residua.statistics.nested import Candidates, nested_estimates

models = {}
for (arch, inputs), file, record in zip(job.params.models, job.input.candidates, job.input.thresholds, strict=True):
    chosen = read_json(record)
    nested = {int(fold): threshold for fold, threshold in chosen["nested"].items()}
    models[arch, inputs] = Candidates(pd.read_parquet(file), chosen["threshold"], nested)
found = nested_estimates(models, job.params.choices, Classification.model_validate(job.params.classification))
with writing(job.output[0]) as beside:
    found.to_parquet(beside, index=False)
