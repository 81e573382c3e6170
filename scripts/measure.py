"""Rule measure."""

from _here import job

from residua.metrics.lesions import LesionRule
from residua.metrics.measure_patients import measure_all
from residua.publishing.left_out import left_out_in
from residua.publishing.publish import writing

patients = [case["patient"] for case in job.params.cases]
references = dict(zip(patients, job.input.references, strict=True))
masks = {split: job.input.get(split) for split in ("validation", "test")}
segmentations = {split: manifest for split, manifest in masks.items() if manifest}
failed = left_out_in(job.input.get("left_out", []))
cases = [case for case in job.params.cases if case["patient"] not in failed]
rule = LesionRule(**job.params.lesions)
measured = measure_all(segmentations, references, cases, job.params.leave_failed_out, rule)
for rows, file in zip(measured, job.output, strict=False):
    rows.insert(0, "arch", job.wildcards.arch)
    rows.insert(1, "inputs", job.wildcards.inputs)
    with writing(file) as beside:
        rows.to_parquet(beside, index=False)
