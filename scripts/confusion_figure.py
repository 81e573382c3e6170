"""Rule confusion_figure."""

from _here import job

from residua.figures.confusion import confusion_figure
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases

cases = read_cases(list(job.input.metrics))
classification = Classification.model_validate(job.params.classification)
out = (job.output.pdf, job.output.png, job.output.txt)
confusion_figure(cases, job.params.choice, classification, job.params.arch_labels, out)
