"""Rule report_cases."""

from _here import job

from residua.casebook.write import CaseSources, Plan, write_pages
from residua.publishing.publish import stage
from residua.settings.classification import Classification

models = map(tuple, job.params.models)
masks = zip(job.input.validation, job.input.test, strict=True)
sources = CaseSources(
    metrics=list(job.input.metrics),
    segmentations=dict(zip(models, masks, strict=True)),
    scans=job.params.scans,
    brains=job.params.brains,
    pages=job.params.pages,
    baseline=job.input.baseline,
)
plan = Plan(
    title=job.params.title,
    labels=job.params.arch_labels,
    choices=job.params.best_inputs,
    classification=Classification.model_validate(job.params.classification),
    number=job.params.cases,
)
with stage(job.output[0]) as part:
    write_pages(sources, plan, part)
