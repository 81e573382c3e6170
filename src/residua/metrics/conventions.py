"""The named conventions of evaluation, as records: how a mask is made, when a patient has residual tumour, how to pool.

The smallest component and the smallest volume of residual tumour are the study's in every convention.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from residua.settings.classification import Classification
from residua.settings.conventions import ConventionName
from residua.settings.postprocessing import Filtered, Postprocessing, Rule
from residua.settings.statistics import FoldWeights, Statistics

Split = Literal["validation", "test"]


@dataclass(frozen=True)
class MaskRule:
    """How a probability map becomes a mask: how its threshold is chosen, from which candidates, and what is removed."""

    rule: Rule
    thresholds: tuple[float, ...]
    filtered: Filtered
    connectivity: Literal[6, 18, 26]

    def postprocessing(self, min_component_voxels: int) -> Postprocessing:
        """Return the settings of this rule with the smallest component of a study."""
        return Postprocessing(
            thresholds=self.thresholds,
            rule=self.rule,
            min_component_voxels=min_component_voxels,
            connectivity=self.connectivity,
        )


@dataclass(frozen=True)
class LesionWise:
    """Lesion-wise scores: the reach of a reference lesion, and the distance that a missed or a false lesion scores."""

    dilation_mm: float
    unmatched_hd95_mm: float


@dataclass(frozen=True)
class Convention:
    """A convention of evaluation."""

    name: str
    mask: MaskRule | None
    """None: the masks of the study."""
    by_object: frozenset[Split] = frozenset()
    """Splits in which any object shows residual tumour; elsewhere the volume does."""
    strict: bool = False
    """The volume must exceed the cut; otherwise it may reach it."""
    min_overlap_dice: float = 0.0
    """Smallest Dice of a true positive."""
    overlap_of_dsc_tp: float | None = None
    """DSC-TP is over the patients of P with so much Dice; None: over the true positives."""
    small_volumes_are_zero: bool = False
    """The volume error takes volumes up to the cut as 0."""
    fold_weights: FoldWeights = "with_metric"
    folds_ddof: Literal[0, 1] = 0
    interval_of_mean: bool = False
    """The interval takes the standard error of the folds' mean, sd / √folds; otherwise their sd."""
    lesion_wise: LesionWise | None = None
    """Dice, HD95, recall, precision and F1 are of lesions; None: of whole masks and of patients."""


ARTICLE = Convention(
    "article",
    MaskRule("volume_f1", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99), "mask", 26),
)
AUTHORS_CODE_2023 = Convention(
    "authors-code-2023",
    MaskRule("authors", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), "objects", 6),
    by_object=frozenset({"validation"}),
    strict=True,
    overlap_of_dsc_tp=0.01,
    small_volumes_are_zero=True,
    fold_weights="all_patients",
    interval_of_mean=True,
)
BRATS_LESIONWISE = Convention(
    "brats-lesionwise", None, lesion_wise=LesionWise(dilation_mm=3.0, unmatched_hd95_mm=374.0)
)
CONVENTIONS: Mapping[ConventionName, Convention] = {
    "article": ARTICLE,
    "authors-code-2023": AUTHORS_CODE_2023,
    "brats-lesionwise": BRATS_LESIONWISE,
}
OWN = "this study"


def convention_of(postprocessing: Postprocessing, classification: Classification, statistics: Statistics) -> Convention:
    """Return the convention that a study's settings express; by the name ``article`` if they are the article's.

    >>> from residua.settings.statistics import BestInputs
    >>> best = BestInputs(segmentation={}, classification={}, raters={})
    >>> numbers = {"alpha": 0.05, "bootstrap_resamples": 100, "interval_sd_multiplier": 1.96, "seed": 0}
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> masks = ARTICLE.mask.postprocessing(min_component_voxels=20)
    >>> convention_of(masks, rule, Statistics(**numbers, best_inputs=best)).name
    'article'
    >>> convention_of(masks, rule, Statistics(**numbers, folds_ddof=1, best_inputs=best)).name
    'this study'
    """
    own = Convention(
        OWN,
        MaskRule(postprocessing.rule, tuple(postprocessing.thresholds), "mask", postprocessing.connectivity),
        min_overlap_dice=classification.min_overlap_dice,
        fold_weights=statistics.fold_weights,
        folds_ddof=statistics.folds_ddof,
    )
    return ARTICLE if replace(own, name=ARTICLE.name) == ARTICLE else own


def compared(own: Convention, names: Iterable[ConventionName]) -> tuple[Convention, ...]:
    """Return the study's own convention, then those of ``names`` that are others.

    >>> [each.name for each in compared(ARTICLE, ["article", "brats-lesionwise"])]
    ['article', 'brats-lesionwise']
    """
    return (own, *(CONVENTIONS[name] for name in names if name != own.name))
