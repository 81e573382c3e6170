"""Rule choose_threshold."""

from itertools import chain

from _here import job

from residua.publishing.publish import write_json
from residua.segmentation.threshold_record import threshold_record
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing

write_json(
    job.output[0],
    threshold_record(
        predictions=list(job.input.predictions),
        references=dict(zip(chain(*job.params.patients.values()), job.input.references, strict=True)),
        patients=job.params.patients,
        postprocessing=Postprocessing.model_validate(job.params.postprocessing),
        classification=Classification.model_validate(job.params.classification),
        leave_failed_out=job.params.leave_failed_out,
    ),
)
