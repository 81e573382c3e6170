"""Rule compare_raters."""

from _here import job

import pandas as pd

from residua.publishing.publish import writing
from residua.raters.compare import compare_raters

compared = compare_raters(pd.read_parquet(job.input[0]), job.params.persons, job.params.alpha)
with writing(job.output[0]) as beside:
    compared.to_parquet(beside, index=False)
