"""Rule calibration_figure."""

from _here import job

from residua.figures.calibration import calibration_figure
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases

cases = read_cases(list(job.input.metrics))
maps, bins = (read_cases(list(files)) for files in (job.input.maps, job.input.bins))
classification = Classification.model_validate(job.params.classification)
out = (job.output.pdf, job.output.png, job.output.txt)
calibration_figure(cases, maps, bins, job.params.choice, classification, job.params.arch_labels, out)
