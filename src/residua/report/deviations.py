"""Where a run differs from the article: the one list from which ``docs/deviations.md`` and the report are made.

``residua schema`` writes the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from residua.report.wording import plain
from residua.study import OUT_OF_FOLD, Study

Applies = Callable[[Study], bool]


@dataclass(frozen=True)
class Deviation:
    """One difference in method: what the article does, what is done here and why, and for which studies it holds."""

    what: str
    article: str
    here: str
    why: str
    applies: Applies


@dataclass(frozen=True)
class ArticleSetting:
    """A number or choice that the article states: its key in the configuration, its name in words and its value."""

    key: str
    what: str
    value: Any


def always(study: Study) -> bool:
    """A deviation of every study."""
    return True


def trains(arch: str) -> Applies:
    """A deviation of studies that train this network."""
    return lambda study: arch in study.archs


def where(key: str, value: Any, arch: str | None = None) -> Applies:
    """A deviation of studies with this value under the dotted ``key``, and which train ``arch``."""
    return lambda study: (arch is None or arch in study.archs) and _value(study, key) == value


def unlike(key: str, value: Any, arch: str | None = None) -> Applies:
    """A deviation of studies with another value under the dotted ``key``, and which train ``arch``."""
    return lambda study: (arch is None or arch in study.archs) and _value(study, key) != value


def _several_values_chosen(study: Study) -> bool:
    chosen = study.statistics.best_inputs.model_dump()
    return any(choice == OUT_OF_FOLD for experiment in chosen.values() for choice in experiment.values())


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
        "the masks that come with the cohort table",
        "the study asks for them",
        where("brain_mask.method", "given"),
    ),
    Deviation(
        "Registration",
        "SyN of ANTs; neither metric nor iterations given",
        "SyN of ANTs; mutual information with 32 bins and 40, 20 and 0 iterations unless set otherwise",
        "ANTs' own defaults; cross-correlation fails across contrasts",
        always,
    ),
    Deviation(
        "Grid of the registration",
        "the reference grid",
        "optimised on images of a coarser spacing, applied on the reference grid",
        "the study asks for it, to save time",
        unlike("registration.working_spacing_mm", None),
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
        "Augmentation outside the brain",
        "not given",
        "voxels outside the brain stay 0 under every augmentation",
        "noise and gamma would otherwise fill what skull stripping removed",
        trains("nnunet"),
    ),
    Deviation(
        "Random numbers of nnU-Net",
        "not given",
        "seeded; bit-identical and resumable with one thread only",
        "with more, nnU-Net's loader processes draw their own",
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
        "those weights cannot be shipped; initial_weights takes a file of them",
        where("networks.agunet.initial_weights", None, "agunet"),
    ),
    Deviation(
        "End of AGU-Net's training",
        "30 epochs without a better validation loss; the validating fold is then reported",
        "a share of the training patients ends the training",
        "the study asks for it: validation rows are then not optimistic",
        unlike("networks.agunet.stopping_fraction", 0, "agunet"),
    ),
    Deviation(
        "Candidate thresholds and how the best is chosen",
        '"the best threshold determined from the validation studies"',
        "candidates of the configuration; the highest (mean Dice of detected patients + patient-wise F1) / 2 over all "
        "out-of-fold patients, the first of equals; a fold-out choice shows its optimism",
        "the rule of the authors' public code",
        always,
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
        "median; over which patients is not said",
        "median over all patients, and over those with residual tumour",
        "both are wanted; small volumes are not set to 0",
        always,
    ),
    Deviation(
        "Spread of patient-wise rates over the folds",
        "its digits are those of n in the denominator",
        "n − 1",
        "the usual estimate",
        always,
    ),
    Deviation(
        "Resamples of the bootstrap",
        "their number and their drawing are not given",
        "drawn within each class of the reference, seeded, as many as the configuration says",
        "a resample without one of the classes has no balanced accuracy",
        always,
    ),
    Deviation(
        "Choice of the best inputs",
        "made with the test set in view",
        "made out of fold where the configuration says so",
        "the test set should not choose what is then tested on it",
        _several_values_chosen,
    ),
)

ARTICLE_INPUTS = {
    "A": ["post_t1ce"],
    "B": ["post_t1ce", "post_t1"],
    "C": ["post_t1ce", "post_t1", "post_flair"],
    "D": ["post_t1ce", "post_t1", "pre_t1ce", "pre_tumor"],
    "E": ["post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_tumor"],
}
"""The channels of the article's input configurations."""

ARTICLE_SETTINGS = (
    ArticleSetting("holdout", "Hold-out hospital", ["AMS"]),
    ArticleSetting(
        "folds",
        "Hospitals of the folds",
        {0: ["STO"], 1: ["GRO", "MIL", "UTR"], 2: ["SFR", "VIE"], 3: ["PAR", "ZWO", "ALK", "HAG"], 4: ["GOT"]},
    ),
    ArticleSetting("inputs", "Input configurations", ARTICLE_INPUTS),
    ArticleSetting("archs", "Networks", ["nnunet", "agunet"]),
    ArticleSetting("preparation", "Interpolations before a network", "paper"),
    ArticleSetting("networks.nnunet.spacing_mm", "nnU-Net: spacing (mm)", [0.5, 0.5, 1.0]),
    ArticleSetting("networks.nnunet.patch_size", "nnU-Net: patch (voxels)", [192, 128, 80]),
    ArticleSetting("networks.nnunet.batch_size", "nnU-Net: batch", 2),
    ArticleSetting("networks.nnunet.features", "nnU-Net: filters", [32, 64, 128, 256, 320]),
    ArticleSetting("networks.nnunet.kernels", "nnU-Net: kernels", [[3, 3, 1], *[[3, 3, 3]] * 4]),
    ArticleSetting("networks.nnunet.epochs", "nnU-Net: epochs", 1000),
    ArticleSetting("networks.nnunet.iterations_per_epoch", "nnU-Net: steps of an epoch", 250),
    ArticleSetting("networks.nnunet.momentum", "nnU-Net: momentum", 0.99),
    ArticleSetting("networks.agunet.spacing_mm", "AGU-Net: spacing (mm)", [1.0, 1.0, 1.0]),
    ArticleSetting("networks.agunet.shape", "AGU-Net: volume (voxels)", [128, 128, 144]),
    ArticleSetting("networks.agunet.features", "AGU-Net: filters", [16, 32, 128, 256, 256]),
    ArticleSetting("networks.agunet.batch_size", "AGU-Net: batch", 2),
    ArticleSetting("networks.agunet.effective_batch_size", "AGU-Net: accumulated batch", 32),
    ArticleSetting("networks.agunet.learning_rate", "AGU-Net: learning rate", 0.001),
    ArticleSetting("networks.agunet.patience_epochs", "AGU-Net: epochs without improvement", 30),
    ArticleSetting("networks.agunet.flip_probability", "AGU-Net: probability of flips", 0.5),
    ArticleSetting("networks.agunet.rotation_degrees", "AGU-Net: largest rotation (degrees)", 20.0),
    ArticleSetting("networks.agunet.rotation_probability", "AGU-Net: probability of a rotation", 0.5),
    ArticleSetting("networks.agunet.translation_fraction", "AGU-Net: largest shift (of the axis)", 0.1),
    ArticleSetting("networks.agunet.translation_probability", "AGU-Net: probability of a shift", 0.5),
    ArticleSetting("postprocessing.min_component_voxels", "Smallest component (voxels)", 20),
    ArticleSetting("classification.residual_tumor_ml", "Residual tumour from (ml)", 0.175),
    ArticleSetting("statistics.alpha", "Significance level", 0.05),
)


def applying(study: Study) -> list[Deviation]:
    """The deviations that hold for this study."""
    return [deviation for deviation in DEVIATIONS if deviation.applies(study)]


def differing(study: Study) -> list[tuple[ArticleSetting, str, str]]:
    """The article's settings that this study does not use, each with the article's value and the study's in words.

    Settings of networks that the study does not train are left out.
    """
    untrained = [f"networks.{arch}." for arch in ("nnunet", "agunet") if arch not in study.archs]
    rows = []
    for setting in ARTICLE_SETTINGS:
        here = None if setting.key.startswith(tuple(untrained)) else _value(study, setting.key)
        if here is not None and here != setting.value:
            rows.append((setting, plain(setting.value, setting.key), plain(here, setting.key)))
    return rows


def _value(study: Study, key: str) -> Any:
    """What stands under a dotted key of the configuration, as builtins."""
    value: Any = study.model_dump(mode="json")
    for part in key.split("."):
        value = value[part]
    if key != "folds":
        return value
    # Folds by their number; of a method not the path, which says where a table lies.
    return {int(name) if name.isdigit() else name: item for name, item in value.items() if name != "path"}


def to_markdown() -> str:
    """The page ``docs/deviations.md``."""
    deviations = [(d.what, d.article, d.here, d.why) for d in DEVIATIONS]
    settings = [(s.what, f"`{s.key}`", plain(s.value, s.key)) for s in ARTICLE_SETTINGS]
    blocks = (
        "# Where Residua differs from the article",
        "Generated from `src/residua/report/deviations.py` by `residua schema`; do not edit. The report of a run shows "
        "those that hold for its settings, and every setting that is not the article's.",
        _table(("what", "the article", "here", "why"), deviations),
        "## What the article states as a number",
        "`config.yaml` holds these values. A study with others is told so in its report.",
        _table(("what", "key", "the article"), settings),
    )
    return "\n\n".join(blocks) + "\n"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows))
