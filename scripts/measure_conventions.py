"""Rule measure_conventions."""

from _here import job

from residua.metrics.conventions import compared, convention_of
from residua.metrics.lesions import LesionRule
from residua.publishing.publish import read_json, writing
from residua.segmentation.by_convention import Files, Judging, measure_by_convention
from residua.settings.classification import Classification
from residua.settings.postprocessing import Postprocessing
from residua.settings.statistics import Statistics

own, judging = job.params.own, job.params.judging
classification = Classification.model_validate(own["classification"])
masks, numbers = Postprocessing.model_validate(own["postprocessing"]), Statistics.model_validate(own["statistics"])
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
by = Judging(threshold, judging["keeps_threshold"], judging["min_component_voxels"], classification, lesions)
conventions = compared(convention_of(masks, classification, numbers), job.params.conventions)
rows = measure_by_convention(files, job.params.cases, conventions, by)
with writing(job.output[0]) as beside:
    rows.assign(arch=job.wildcards.arch, inputs=job.wildcards.inputs).to_parquet(beside, index=False)
