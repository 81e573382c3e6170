"""Rule dice_by_volume_figure."""

from _here import job

import pandas as pd

from residua.figures.dice_by_volume import dice_by_volume_figure
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases

cases, lesions = read_cases(list(job.input.metrics)), pd.read_parquet(job.input.lesions)
classification = Classification.model_validate(job.params.classification)
out = (job.output.pdf, job.output.png, job.output.txt)
dice_by_volume_figure(cases, lesions, job.params.choice, classification, job.params.arch_labels, out)
