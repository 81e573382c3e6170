"""Rule figure4."""

from _here import job

import pandas as pd

from residua.figures.figure4 import figure4

out = (job.output.pdf, job.output.png, job.output.txt)
figure4(pd.read_parquet(job.input[0]), job.params.arch_labels, job.params.residual_tumor_ml, out)
