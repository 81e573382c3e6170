"""Rule pipeline_figure."""

from _here import job

from residua.figures.pipeline import pipeline_figure
from residua.publishing.publish import read_json
from residua.settings.study import Study

# Where the tables lie is no part of the settings, so that the figure does not depend on it.
study = Study.model_validate({"cohort": "cohort table", **job.params.settings})
folds = len(read_json(job.input.folds)["folds"])
out = (job.output.pdf, job.output.png, job.output.txt)
pipeline_figure(study, folds, job.params.arch_labels, job.params.rated, out)
