"""Rule forest_figures."""

from _here import job

import pandas as pd

from residua.figures.forest import hospitals_figure, subgroups_figure
from residua.settings.statistics import Statistics

subgroups, hospitals = (pd.read_parquet(file) for file in (job.input.subgroups, job.input.hospitals))
labels, statistics = job.params.arch_labels, Statistics.model_validate(job.params.statistics)
out = job.output
files = (out.hospitals_pdf, out.hospitals_png, out.hospitals_txt)
hospitals_figure(subgroups, hospitals, labels, statistics, files)
subgroups_figure(subgroups, labels, statistics, (out.subgroups_pdf, out.subgroups_png, out.subgroups_txt))
