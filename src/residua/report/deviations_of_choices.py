"""Differences of studies that choose a way of training beyond the article."""

from __future__ import annotations

from residua.report.deviation import Deviation, counts_steps_by_cohort, sets

OF_CHOICES = (
    Deviation(
        "Region of interest",
        "the whole brain; a region around the tumour before surgery is named as future work",
        "some networks see the box around a label alone, and a patient without the label is seen whole",
        "the study asks for it: the same memory then shows a finer resolution",
        "yes: tumour outside of the region is missed for certain; the section on quality says how much there is",
        sets("region"),
    ),
    Deviation(
        "Sampling of training patients",
        "not given",
        "patients with residual tumour and patients after gross total resection are drawn equally often",
        "the study asks for it: the rarer group is learned as well as the other",
        "yes: probabilities and the threshold move, most of all where one group is rare",
        sets("sampling", "balanced"),
    ),
    Deviation(
        "Steps of nnU-Net's epoch",
        "250, nnU-Net's default",
        "by the number of training cases, so that an epoch draws equally many patches for each",
        "the study asks for it: a small cohort is not seen many times more often than a large one",
        "possibly: a training has more or fewer steps than the article's",
        counts_steps_by_cohort,
    ),
    Deviation(
        "Filters of the first level",
        "the same for every input configuration",
        "as many for each channel, and at least those of the settings",
        "the article's discussion: the number of parameters might have to grow with that of the inputs",
        "possibly: input configurations with many channels are no longer held back by their width",
        sets("filters_per_channel"),
    ),
)
