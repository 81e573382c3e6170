"""Describe how the extent of resection was computed, or why it was not."""

from __future__ import annotations

from residua.report.wording import name_of, plain, share
from residua.settings.study import Study


def extent_of_resection(study: Study, judged: bool) -> tuple[str, ...]:
    """Return the paragraphs; ``judged`` says whether any patient has the mask of the tumour before surgery."""
    if not study.resected:
        return ("It was left out: the study has no mask of the tumour before surgery.",)
    label = name_of(study.resected)
    if not judged:
        return (f"It was left out: no patient has a mask of the {label}.",)
    level, cut = share(1 - study.statistics.alpha), plain(study.classification.residual_tumor_ml)
    return (
        f"For patients with a mask of the {label}, the extent of resection is 100 · (V before − V after) / V before. "
        "Both volumes are those of the masks in the scans on which they were drawn or predicted, because a warped mask "
        "has another volume. It is undefined where there was no tumour before surgery, and negative where more was "
        "found after than before.",
        "On the hold-out, the range from the lowest to the highest extent that the ensemble and each of the folds' "
        "models find, all at the threshold of the ensemble, shows how far models trained on different patients "
        "disagree. It is no confidence interval: what all models miss, it does not show. How often it holds the extent "
        "by the reference is printed.",
        "Classes are those of RANO resect [@karschnia2023], by the volume left: 1/2A complete (0 cm³; the part that "
        "does not enhance is not measured, so that 1 and 2A are one class), 2B at most 1 cm³, 3A at most 5 cm³, 3B "
        f"more. Class 4, biopsy, cannot be seen from a volume. The study's own cut of {cut} ml and the classes of "
        "Raidionics' report [@bouget2023], which go by percent and volume, stand beside them.",
        "Predicted and reference classes are compared by Cohen's kappa with quadratic weights [@cohen1968] and a "
        f"percentile bootstrap interval over patients, extents by bias and limits of agreement [@bland1999] with their "
        f"{level} intervals.",
    )
