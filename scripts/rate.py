"""Rule rate."""

from _here import job

from residua.cohort.table.rater_table import Rating
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import writing
from residua.raters.rate import rate_all
from residua.settings.classification import Classification

pairs, failed = zip(job.params.ratings, job.input.masks, strict=True), left_out_in(job.input.left_out)
candidates = [(arch, inputs) for arch, inputs in job.params.candidates]
scores, further = rate_all(
    [Rating(**record, mask=mask) for record, mask in pairs if record["patient"] not in failed],
    dict(zip(job.params.patients, job.input.references, strict=True)),
    dict(zip(candidates, job.input.segmentations, strict=True)),
    list(job.input.metrics),
    job.params.choice,
    Classification.model_validate(job.params.classification),
    list(job.params.further),
)
for frame, file in ((scores, job.output.scores), (further, job.output.further)):
    with writing(file) as beside:
        frame.to_parquet(beside, index=False)
