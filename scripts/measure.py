"""Rule measure."""

from _here import job

import pandas as pd

from residua.metrics.lesions import LesionRule
from residua.metrics.measure_maps import measure_maps
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
given = (references, cases, job.params.leave_failed_out)
tables: list[pd.DataFrame] = [*measure_all(segmentations, *given, rule)]
if job.input.get("brains"):
    maps = {split: job.input.get(f"maps_of_{split}") for split in segmentations}
    tables += measure_maps(maps, references, job.input.brains, *given[1:])
# Where the masks are measured again, only the metrics of the cases are asked for.
for rows, file in zip(tables, job.output, strict=False):
    rows.insert(0, "arch", job.wildcards.arch)
    rows.insert(1, "inputs", job.wildcards.inputs)
    with writing(file) as beside:
        rows.to_parquet(beside, index=False)
