"""Rule figure3."""

from _here import job

from residua.figures.figure3 import figure3
from residua.publishing.publish import verified
from residua.settings.classification import Classification
from residua.statistics.cases import read_cases

for manifest in job.input.brains:
    verified(manifest)
shown = zip(job.input.images, job.input.references, job.params.brains, strict=True)
files = dict(zip(job.params.patients, shown, strict=True))
models = [tuple(model) for model in job.params.models]
figure3(
    read_cases(list(job.input.metrics)),
    job.params.best_inputs,
    Classification.model_validate(job.params.classification),
    files,
    dict(zip(models, job.input.segmentations, strict=True)),
    job.params.arch_labels,
    (job.output.pdf, job.output.png, job.output.txt),
)
