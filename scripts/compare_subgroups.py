"""Rule compare_subgroups."""

from _here import job

from residua.images.thickness import slice_thicknesses
from residua.publishing.publish import read_json, writing
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.between_hospitals import between_hospitals
from residua.statistics.cases import read_cases
from residua.statistics.covariates import subgroups_of
from residua.statistics.subgroup_tests import subgroup_tests
from residua.statistics.subgroups import judged_models, subgroups

cases, known = read_cases(list(job.input.metrics)), {patient: dict(own) for patient, own in job.params.known.items()}
for check in job.input.checks:
    for patient, edge in slice_thicknesses(read_json(check)["grids"], job.params.reference).items():
        known.setdefault(patient, {})["slice_thickness"] = f"{edge:.4g}"
classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
models = judged_models(cases, job.params.choices, classification)
groups = subgroups_of(cases, known, classification, statistics)
frames = {
    "subgroups": subgroups(models, groups, classification, statistics),
    "tests": subgroup_tests(models, groups, classification, statistics),
    "hospitals": between_hospitals(models, classification, statistics),
}
for name, frame in frames.items():
    with writing(job.output[name]) as beside:
        frame.to_parquet(beside, index=False)
