"""Rule resection_figure."""

from _here import job

import pandas as pd

from residua.figures.resection import resection_figure

patients, summary = (pd.read_parquet(file) for file in (job.input.patients, job.input.resection))
out = (job.output.pdf, job.output.png, job.output.txt)
resection_figure(patients, summary, job.params.arch_labels, job.params.alpha, out)
