"""Rule compare_inputs."""

import _here  # noqa: F401

from residua.publishing.publish import writing
from residua.settings.study import Classification
from residua.statistics.cases import read_cases
from residua.statistics.comparisons import compare_inputs

job = snakemake
rows = compare_inputs(read_cases(list(job.input)), Classification(**job.params.classification), job.params.alpha)
with writing(job.output[0]) as beside:
    rows.to_parquet(beside, index=False)
