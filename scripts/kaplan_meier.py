"""Rule kaplan_meier."""

from _here import job

import pandas as pd

from residua.figures.kaplan_meier import kaplan_meier_figure

curves, prognosis = (pd.read_parquet(file) for file in (job.input.curves, job.input.prognosis))
settings = (job.params.arch_labels, job.params.alpha, job.params.residual_tumor_ml)
kaplan_meier_figure(curves, prognosis, *settings, (job.output.pdf, job.output.png, job.output.txt))
