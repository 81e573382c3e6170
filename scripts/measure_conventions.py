"""Rule measure_conventions."""

from _here import job

from residua.metrics.conventions import conventions_of
from residua.metrics.lesions import LesionRule
from residua.publishing.publish import read_json, writing
from residua.segmentation.by_convention import Files, Judging, measure_by_convention
from residua.settings.conventions import Own

own, judging = Own.model_validate(job.params.own), job.params.judging
patients = [case["patient"] for case in job.params.cases]
splits = ("validation", "test")
files = Files(
    segmentations={split: job.input[split] for split in splits},
    maps={split: list(job.input[f"maps_of_{split}"]) for split in splits},
    references=dict(zip(patients, job.input.references, strict=True)),
    metrics=job.input.metrics,
)
given, lesions = judging["given"], LesionRule(**judging["lesions"])
threshold = read_json(job.input.threshold[0])["threshold"] if given is None else given
by = Judging(threshold, judging["keeps_threshold"], judging["min_component_voxels"], own.classification, lesions)
rows = measure_by_convention(files, job.params.cases, conventions_of(own, job.params.conventions), by)
with writing(job.output[0]) as beside:
    rows.assign(arch=job.wildcards.arch, inputs=job.wildcards.inputs).to_parquet(beside, index=False)
