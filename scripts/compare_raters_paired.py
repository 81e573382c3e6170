"""Rule compare_raters_paired."""

from _here import job

import pandas as pd

from residua.publishing.publish import writing
from residua.raters.paired import paired_raters
from residua.settings.statistics import Statistics

compared = paired_raters(pd.read_parquet(job.input[0]), Statistics.model_validate(job.params.statistics))
with writing(job.output[0]) as beside:
    compared.to_parquet(beside, index=False)
