"""Rule compare_paired."""

from _here import job

from residua.publishing.publish import writing
from residua.settings.classification import Classification
from residua.settings.statistics import Statistics
from residua.statistics.cases import read_cases
from residua.statistics.paired_classification import areas, paired_classification
from residua.statistics.paired_dice import friedman_of_inputs, paired_dice

cases = read_cases(list(job.input))
classification = Classification.model_validate(job.params.classification)
statistics = Statistics.model_validate(job.params.statistics)
frames = {
    "dice": paired_dice(cases, job.params.segmentation, classification, statistics),
    "friedman": friedman_of_inputs(cases, classification, statistics.alpha),
    "classification": paired_classification(cases, job.params.judged, classification, statistics),
    "auroc": areas(cases, classification, statistics.alpha),
}
for name, frame in frames.items():
    with writing(job.output[name]) as beside:
        frame.to_parquet(beside, index=False)
