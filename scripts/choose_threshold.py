"""Rule choose_threshold."""

from itertools import chain

from _here import job

from residua.publishing.left_out import left_out_in
from residua.publishing.publish import write_json, writing
from residua.segmentation.threshold_record import threshold_record
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing

planned, failed = job.params.patients, left_out_in(job.input.get("left_out", []))
record, candidates = threshold_record(
    predictions=list(job.input.predictions),
    references=dict(zip(chain(*planned.values()), job.input.references, strict=True)),
    patients={fold: [p for p in members if p not in failed] for fold, members in planned.items()},
    postprocessing=Postprocessing.model_validate(job.params.postprocessing),
    classification=Classification.model_validate(job.params.classification),
    leave_failed_out=job.params.leave_failed_out,
)
write_json(job.output.threshold, record)
with writing(job.output.candidates) as beside:
    candidates.to_parquet(beside, index=False)
