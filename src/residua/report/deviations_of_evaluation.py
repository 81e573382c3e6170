"""Differences in the step to masks, the measures and the statistics."""

from __future__ import annotations

from residua.report.deviation import Deviation, always, where
from residua.settings.statistics import OUT_OF_FOLD
from residua.settings.study import Study


def _some_left_to_the_results(study: Study) -> bool:
    chosen = study.statistics.best_inputs.model_dump()
    return any(choice == OUT_OF_FOLD for experiment in chosen.values() for choice in experiment.values())


_BEST = '"the best threshold determined from the validation studies"; neither candidates nor rule given'

OF_EVALUATION = (
    Deviation(
        "Candidate thresholds and how the best is chosen",
        _BEST,
        "candidates of the configuration; the highest (mean Dice of detected patients + F1 of all patients by volume) "
        "/ 2 out of fold, the first of equal ones; the report shows what the authors' rule would choose",
        "not the rule of the authors' public code: that one leaves out patients after gross total resection, so that "
        "it does not see the specificity that Table 4 reports",
        "yes: it may raise specificity, and lower sensitivity, of a network with many false alarms",
        where("postprocessing.rule", "volume_f1"),
    ),
    Deviation(
        "Candidate thresholds and how the best is chosen",
        _BEST,
        "candidates of the configuration; the rule of the authors' public code, on masks without small components: the "
        "highest (mean Dice + F1) / 2 of patients with residual tumour, F1 from overlap and objects",
        "the study asks for it; the article may have used another version of the code",
        "possibly: a later version takes (mean Dice + recall) / 2",
        where("postprocessing.rule", "authors"),
    ),
    Deviation(
        "Small components",
        "components of fewer than 20 voxels are removed; neighbours not given",
        "removed from the mask before every measure; 26 neighbours, unless set otherwise",
        "as the text; the authors' public code uses 6, and only counts objects without them",
        "unlikely: 20 voxels are far below 0.175 ml in most scans",
        always,
    ),
    Deviation(
        "True positive",
        'both volumes of at least 0.175 ml, "for any given Dice (i.e. ≥ 0.01)"',
        "the volumes decide; true positives with a Dice below 1 % are counted in Table 3",
        "the two halves of the sentence disagree; a minimum overlap is an option",
        "unlikely: Table 3 shows how many patients it concerns",
        where("classification.min_overlap_dice", 0.0),
    ),
    Deviation(
        "DSC-TP",
        "of true positives by volume; the printed digits fit patients with residual tumour and overlap, "
        "their sd over n",
        "both, in two columns of Table 3; sd over n − 1",
        "the text and the digits differ",
        "no: they differ by the patients found elsewhere",
        always,
    ),
    Deviation(
        "Weight of a fold in pooled voxel-wise metrics",
        '"pooled estimates computed from each fold\'s results"',
        "the patients that have the metric, such as those with residual tumour for DSC-P",
        "as the text; the authors' public code takes all patients of a fold (fold_weights: all_patients)",
        "unlikely: 53 to 72 % of the patients of every fold of the article have residual tumour",
        where("statistics.fold_weights", "with_metric"),
    ),
    Deviation(
        "HD95",
        "named, not defined",
        "95th percentile of both directed surface-distance sets concatenated, over patients with residual tumour, "
        "undefined for an empty prediction",
        "as MedPy and the authors' public code",
        "possibly: definitions differ by more than 100 mm on hard patients",
        always,
    ),
    Deviation(
        "Absolute volume error",
        "median; the patients are not given",
        "median over all patients, and over those with residual tumour",
        "the article may mean either; small volumes are not set to 0",
        "no: both are printed",
        always,
    ),
    Deviation(
        "Resamples of the bootstrap",
        "their number and their drawing are not given",
        "drawn within each class of the reference, seeded, as many as the configuration sets",
        "a resample without one of the classes has no balanced accuracy",
        "no: the article's sentence about the test set comes out of its counts either way",
        always,
    ),
    Deviation(
        "Choice of the best input configurations",
        "made with the test set in view",
        "made out of fold where the configuration asks for it, on the patients that all of them have",
        "the test set should not choose what is then tested on it",
        "possibly: other configurations may be compared than in the article",
        _some_left_to_the_results,
    ),
)
