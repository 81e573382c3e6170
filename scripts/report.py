"""Rule report."""

from _here import job

from residua.publishing.left_out import left_out_in
from residua.publishing.notes import worded
from residua.report.build import Making, Sources, write_report
from residua.settings.study import Study

figures = zip(job.input.figures, job.input.captions, strict=True)
sources = Sources(
    folds=job.input.folds,
    tables=dict(zip(job.params.tables, job.input.tables, strict=True)),
    figures=dict(zip(job.params.figures, figures, strict=True)),
    metrics=list(job.input.metrics),
    statistics=dict(zip(job.params.statistics, job.input.statistics, strict=True)),
    thresholds=dict(zip(map(tuple, job.params.models), job.input.thresholds, strict=True)),
    models=dict(zip(map(tuple, job.params.trained), job.input.models, strict=True)),
    flags=job.input.flags,
    measures=next(iter(job.input.measures), None),
    left_out=list(job.input.left_out),
    starts=dict(zip(map(tuple, job.params.starts), job.input.starts, strict=True)),
)
# Where the tables lie is no part of the settings, so that the report does not depend on it.
study = Study.model_validate({"cohort": "cohort table", **job.params.settings})
params, failed = job.params, left_out_in(job.input.left_out)
elsewhere = worded(params.elsewhere, failed)
lacking = sorted(set(params.lacking_before) - set(failed))
making = Making(study, params.arch_labels, params.stages, params.environments, elsewhere, params.corrected, lacking)
write_report(sources, making, job.output[0])
