"""Rule analyse_survival."""

from _here import job

from residua.prognosis.analyse import analyse_survival
from residua.publishing.publish import read_json, writing
from residua.settings.classification import Classification

frames = analyse_survival(
    list(job.input.metrics),
    job.params.survival,
    read_json(job.input.before[0]) if job.input.before else {},
    {"segmentation": job.params.segmentation, "classification": job.params.judged},
    Classification.model_validate(job.params.classification),
    job.params.alpha,
)
for name, frame in frames.items():
    with writing(job.output[name]) as beside:
        frame.to_parquet(beside, index=False)
