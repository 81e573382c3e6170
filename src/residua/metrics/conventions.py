"""The named conventions of evaluation, as records: how a mask is made, when a patient has residual tumour, how to pool.

The smallest component and the smallest volume of residual tumour are the study's in every convention.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from residua.settings.conventions import ConventionName, Own
from residua.settings.postprocessing import Filtered, Postprocessing, Rule
from residua.settings.statistics import FoldWeights

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


def conventions_of(study: Own, names: Iterable[ConventionName]) -> tuple[Convention, ...]:
    """Return the convention that a study's settings express, then those of ``names`` that are others.

    The study's own has the name ``article`` if it is the article's.

    >>> from residua.settings.classification import Classification
    >>> rule = Classification(residual_tumor_ml=0.175, min_overlap_dice=0)
    >>> masks = ARTICLE.mask.postprocessing(min_component_voxels=20)
    >>> for ddof in (0, 1):
    ...     own = Own(postprocessing=masks, classification=rule, fold_weights="with_metric", folds_ddof=ddof)
    ...     [each.name for each in conventions_of(own, ["article", "brats-lesionwise"])]
    ['article', 'brats-lesionwise']
    ['this study', 'article', 'brats-lesionwise']
    """
    masks = study.postprocessing
    own = Convention(
        OWN,
        MaskRule(masks.rule, tuple(masks.thresholds), "mask", masks.connectivity),
        min_overlap_dice=study.classification.min_overlap_dice,
        fold_weights=study.fold_weights,
        folds_ddof=study.folds_ddof,
    )
    own = ARTICLE if replace(own, name=ARTICLE.name) == ARTICLE else own
    return (own, *(CONVENTIONS[name] for name in names if name != own.name))
