"""Where a run differs from the article: the one list behind ``docs/explanation/deviations.md`` and the report.

``residua schema`` writes the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from residua.report.article_settings import ARTICLE_SETTINGS, value_of
from residua.report.wording import plain
from residua.settings.statistics import OUT_OF_FOLD
from residua.settings.study import Study

Applies = Callable[[Study], bool]


@dataclass(frozen=True)
class Deviation:
    """One difference in method: what the article and Residua do, why, and the studies that it applies to."""

    what: str
    article: str
    here: str
    why: str
    applies: Applies


def always(study: Study) -> bool:
    """Apply to every study."""
    return True


def trains(arch: str) -> Applies:
    """Apply to studies that train this network."""
    return lambda study: arch in study.archs


def where(key: str, value: Any, arch: str | None = None) -> Applies:
    """Apply to studies with this value under the dotted ``key`` that train ``arch``."""
    return lambda study: (arch is None or arch in study.archs) and value_of(study, key) == value


def unlike(key: str, value: Any, arch: str | None = None) -> Applies:
    """Apply to studies with another value under the dotted ``key`` that train ``arch``."""
    return lambda study: (arch is None or arch in study.archs) and value_of(study, key) != value


def _several_values_chosen(study: Study) -> bool:
    chosen = study.statistics.best_inputs.model_dump()
    return any(choice == OUT_OF_FOLD for experiment in chosen.values() for choice in experiment.values())


def _registers(study: Study) -> bool:
    return study.registration.engine != "none" and bool(study.sequences.moving)


def _optimised_on_coarser_images(study: Study) -> bool:
    """Return whether any registration of the study runs a stage on images of another spacing than their own."""
    if not _registers(study):
        return False
    settings = [study.registration_of(sequence) for sequence in study.sequences.moving]
    deforms = study.registration.transform in ("SyN", "diffeomorphic")
    spacings = [of.linear_spacing_mm for of in settings]
    spacings += [of.deformation.working_spacing_mm for of in settings if deforms]
    return any(spacing is not None for spacing in spacings)


DEVIATIONS = (
    Deviation(
        "Brain masks",
        "a slab-wise AGU-Net, slabs of 256×192×32 voxels",
        "deepbet",
        "the article's weights cannot be shipped",
        where("brain_mask.method", "deepbet"),
    ),
    Deviation(
        "Brain masks",
        "a slab-wise AGU-Net, slabs of 256×192×32 voxels",
        "HD-BET",
        "the article's weights cannot be shipped",
        where("brain_mask.method", "hd-bet"),
    ),
    Deviation(
        "Brain masks",
        "a slab-wise AGU-Net, slabs of 256×192×32 voxels",
        "the brain of the MNI152 template, registered to the reference",
        "the article's weights cannot be shipped; this needs no trained network",
        where("brain_mask.method", "template"),
    ),
    Deviation(
        "Brain masks",
        "a slab-wise AGU-Net, slabs of 256×192×32 voxels",
        "a slab-wise AGU-Net with weights of the study's own; slabs overlap by half",
        "the article's weights are not part of Residua; the article does not name the overlap",
        where("brain_mask.method", "agunet"),
    ),
    Deviation(
        "Brain masks",
        "a slab-wise AGU-Net, slabs of 256×192×32 voxels",
        "what is not background in the reference, which was stripped elsewhere",
        "the scans of the study were stripped before it",
        where("brain_mask.method", "stripped"),
    ),
    Deviation(
        "Brain masks",
        "a slab-wise AGU-Net, slabs of 256×192×32 voxels",
        "the masks that come with the cohort table",
        "the study asks for them",
        where("brain_mask.method", "given"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs; neither metric, iterations nor smoothing given",
        "SyN of ANTs after a rigid and an affine stage, the field smoothed more than ANTs does; "
        "docs/explanation/registration.md has metric and smoothing within the session and across surgery",
        "with ANTs' own smoothing SyN displaces what the affine stage had aligned; only surgery shifts the brain",
        lambda study: (
            _registers(study) and (study.registration.engine, study.registration.transform) == ("ants", "SyN")
        ),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs",
        "Greedy",
        "the study asks for it, to save time",
        where("registration.engine", "greedy"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs",
        "none: the images are assumed to be aligned",
        "the study asks for it",
        where("registration.engine", "none"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs",
        "without a deformation",
        "the study asks for it",
        lambda study: _registers(study) and study.registration.transform in ("affine", "rigid"),
    ),
    Deviation(
        "Tumour in the registration",
        "not given",
        "where the pre-operative scan is deformed, its tumour is ignored",
        "the tumour has no counterpart after surgery, and pulled the deformation off course beside the cavity",
        lambda study: study.registration.ignored is not None,
    ),
    Deviation(
        "Grid of the registration",
        "not given",
        "optimised on images of a coarser spacing, applied on the reference grid",
        "a fraction of the time; docs/explanation/registration.md compares the errors",
        _optimised_on_coarser_images,
    ),
    Deviation(
        "Software of nnU-Net",
        "nnU-Net 1.7.0, PyTorch 1.13.1",
        "nnunetv2, with an explicit plans file of the article's numbers, and the current PyTorch",
        "the maintained successor",
        trains("nnunet"),
    ),
    Deviation(
        "Augmentation of nnU-Net",
        "lists no mirroring and no low resolution",
        "nnU-Net's default, which has both",
        "the article used nnU-Net's own augmentation",
        where("networks.nnunet.augmentation", "nnunet", "nnunet"),
    ),
    Deviation(
        "Augmentation of nnU-Net",
        "lists no mirroring and no low resolution",
        "nnU-Net's default without mirroring; low resolution stays",
        "the study asks for it",
        where("networks.nnunet.augmentation", "nnunet_without_mirroring", "nnunet"),
    ),
    Deviation(
        "Augmentation of a label among nnU-Net's channels",
        "not given; nnU-Net by itself varies it like an image",
        "it moves with the reference standard, stays 0 or 1 and is 0 outside the brain",
        "as AGU-Net gets it here, and as nnU-Net itself varies the segmentation of a cascade",
        lambda study: "nnunet" in study.archs and any(set(study.labels) & set(c) for c in study.inputs.values()),
    ),
    Deviation(
        "Random numbers of nnU-Net",
        "not given",
        "seeded; bit-identical and resumable with one thread only",
        "with more threads, nnU-Net's loader processes draw random numbers of their own",
        trains("nnunet"),
    ),
    Deviation(
        "Software of AGU-Net",
        "TensorFlow 1.13.1",
        "Keras 3 on TensorFlow 2, the architecture built anew from the article and its authors' public code",
        "the old version needs Python 3.6, which is no longer maintained",
        trains("agunet"),
    ),
    Deviation(
        "Start of AGU-Net",
        "weights of the best pre-operative model, the input layer adapted",
        "random weights",
        "those weights cannot be shipped; initial_weights takes a file with weights",
        where("networks.agunet.initial_weights", None, "agunet"),
    ),
    Deviation(
        "End of AGU-Net's training",
        "30 epochs without a better validation loss; the validation fold is then reported",
        "a share of the training patients ends the training",
        "the study asks for it: validation rows are then not optimistic",
        unlike("networks.agunet.stopping_fraction", 0, "agunet"),
    ),
    Deviation(
        "Candidate thresholds and how the best is chosen",
        '"the best threshold determined from the validation studies"; neither candidates nor rule given',
        "candidates of the configuration up to 0.99; the highest (mean Dice of detected patients + F1 of all patients "
        "by volume) / 2 out of fold, the first of equal ones; the report shows what the authors' rule would choose",
        "not the rule of the authors' public code: that one leaves out patients after gross total resection, so that "
        "it does not see the specificity that Table 4 reports",
        where("postprocessing.rule", "volume_f1"),
    ),
    Deviation(
        "Candidate thresholds and how the best is chosen",
        '"the best threshold determined from the validation studies"; neither candidates nor rule given',
        "candidates of the configuration up to 0.99; the rule of the authors' public code, on masks without small "
        "components: the highest (mean Dice + F1) / 2 of patients with residual tumour, F1 from overlap and objects",
        "the study asks for it; the article may have used another version of the code",
        where("postprocessing.rule", "authors"),
    ),
    Deviation(
        "Neighbours that make a component",
        "not given",
        "26, unless set otherwise",
        "a choice; the authors' evaluation code uses 6 and only counts objects",
        always,
    ),
    Deviation(
        "True positive",
        'both volumes of at least 0.175 ml, "for any given Dice (i.e. ≥ 0.01)"',
        "the volumes decide; true positives with a Dice below 1 % are counted in Table 3",
        "the two halves of the sentence disagree; a minimum overlap is an option",
        where("classification.min_overlap_dice", 0.0),
    ),
    Deviation(
        "HD95",
        "named, not defined",
        "95th percentile of both directed surface-distance sets concatenated, over patients with residual tumour, "
        "undefined for an empty prediction",
        "as MedPy and the authors' public code",
        always,
    ),
    Deviation(
        "Absolute volume error",
        "median; the patients are not given",
        "median over all patients, and over those with residual tumour",
        "the article may mean either; small volumes are not set to 0",
        always,
    ),
    Deviation(
        "Resamples of the bootstrap",
        "their number and their drawing are not given",
        "drawn within each class of the reference, seeded, as many as the configuration sets",
        "a resample without one of the classes has no balanced accuracy",
        always,
    ),
    Deviation(
        "Choice of the best input configurations",
        "made with the test set in view",
        "made out of fold where the configuration asks for it",
        "the test set should not choose what is then tested on it",
        _several_values_chosen,
    ),
)


def applying(study: Study) -> list[Deviation]:
    """Return the deviations that apply to this study."""
    return [deviation for deviation in DEVIATIONS if deviation.applies(study)]


def to_markdown() -> str:
    """Write the page ``docs/explanation/deviations.md``."""
    deviations = [(d.what, d.article, d.here, d.why) for d in DEVIATIONS]
    settings = [(s.what, f"`{s.key}`", plain(s.value, s.key)) for s in ARTICLE_SETTINGS]
    blocks = (
        "# Where Residua differs from the article",
        "Generated from `src/residua/report/deviations.py` by `residua schema`; do not edit. The report of a run shows "
        "those that hold for its settings, and every setting that is not the article's.",
        _table(("what", "the article", "here", "why"), deviations),
        "## What the article states as a number",
        "`config.yaml` holds these values. The report of a study lists the values that differ.",
        _table(("what", "key", "the article"), settings),
    )
    return "\n\n".join(blocks) + "\n"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows))
