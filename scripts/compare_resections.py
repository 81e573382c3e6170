"""Rule compare_resections."""

from _here import job

from residua.publishing.publish import read_json, writing
from residua.resection.compare import compare_resections
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics

ensembles = [(arch, inputs) for arch, inputs in job.params.ensembles]
frames = compare_resections(
    list(job.input.metrics),
    dict(zip(ensembles, job.input.members, strict=True)),
    read_json(job.input.before),
    job.params.best_inputs,
    Classification.model_validate(job.params.classification),
    Statistics.model_validate(job.params.statistics),
)
for name, frame in frames.items():
    with writing(job.output[name]) as beside:
        frame.to_parquet(beside, index=False)
