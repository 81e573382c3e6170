"""Rule judge_calibrations."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import read_cases
from residua.validation.calibration import judge_calibrations

classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
frames = judge_calibrations(read_cases(list(job.input)), job.params.stated, classification, statistics)
for frame, output in zip(frames, (job.output.scores, job.output.bins), strict=True):
    with writing(output) as beside:
        frame.to_parquet(beside, index=False)
