"""Rule discrimination."""

from _here import job

from residua.publishing.publish import writing
from residua.statistics.cases import read_cases
from residua.statistics.discrimination import discrimination

cases, maps = read_cases(job.input.metrics), read_cases(job.input.maps)
with writing(job.output[0]) as beside:
    discrimination(cases, maps, job.params.residual_tumor_ml).to_parquet(beside, index=False)
