"""Choose the threshold of one network and input configuration that is best out of fold.

Every rule chooses (``residua.segmentation.threshold_rules``); the study takes the choice of ``postprocessing.rule``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from residua.segmentation.out_of_fold import Measured, OutOfFoldCase, measure
from residua.segmentation.threshold_rules import Authors, VolumeF1, authors, volume_f1
from residua.settings.classification import Classification
from residua.settings.postprocessing import THRESHOLD_STEPS, Postprocessing, Rule

P = TypeVar("P", VolumeF1, Authors)


@dataclass(frozen=True)
class RuleChoice(Generic[P]):
    """What one rule chooses, every candidate's score, and the nested choice that shows the choice's optimism.

    ``nested`` gives each fold the threshold that is best on all other folds, and ``nested_performance`` measures every
    patient at the threshold of its own fold; both are empty for a single fold.
    """

    threshold: float
    candidates: dict[float, P]
    nested: dict[int, float]
    nested_performance: P | None

    @property
    def caution(self) -> str:
        """Say that the best candidate is the last on its side, so that a better one may lie beyond; else empty."""
        least, most = min(self.candidates), max(self.candidates)
        if least == most or self.threshold not in (least, most) or self.threshold == 1:
            return ""
        side, beyond = ("highest", "higher") if self.threshold == most else ("lowest", "lower")
        return (
            f"the best is the {side} candidate; a {beyond} one (a multiple of {1 / THRESHOLD_STEPS:g}), added to "
            "postprocessing.thresholds, may be better"
        )

    def to_json(self) -> dict[str, Any]:
        """Return builtins for JSON: no NaN, string keys, candidates as a list in the order tried."""
        return {
            "threshold": self.threshold,
            "caution": self.caution,
            "candidates": [{"threshold": t, **asdict(found)} for t, found in self.candidates.items()],
            "nested": {str(fold): threshold for fold, threshold in self.nested.items()},
            "nested_performance": asdict(self.nested_performance) if self.nested_performance else None,
        }


@dataclass(frozen=True)
class ThresholdChoice:
    """The choice of every rule, and the ``rule`` of the study."""

    rule: Rule
    volume_f1: RuleChoice[VolumeF1]
    authors: RuleChoice[Authors]

    @property
    def threshold(self) -> float:
        """The threshold that the study takes."""
        return self.volume_f1.threshold if self.rule == "volume_f1" else self.authors.threshold

    def to_json(self) -> dict[str, Any]:
        """Return builtins for JSON: the choice of the rule of the study, and beside it those of the other rules."""
        choices = {"volume_f1": self.volume_f1.to_json(), "authors": self.authors.to_json()}
        return {"rule": self.rule, **choices.pop(self.rule), "other_rules": choices}


def choose_threshold(
    cases: Iterable[OutOfFoldCase], postprocessing: Postprocessing, classification: Classification
) -> ThresholdChoice:
    """Choose the candidate of ``postprocessing.thresholds`` with the highest score; the first of equals.

    By the rule ``volume_f1`` a patient is detected when it is a true positive by volume (and by overlap, if the study
    asks for it). ``cases`` is read once, one case at a time, and no map is kept. Raises ``ResiduaError`` when there is
    no case.

    >>> probability = np.array([0.9, 0.6, 0.4, 0.1]).reshape(4, 1, 1)
    >>> case = OutOfFoldCase(fold=0, probability=probability, reference=probability > 0.5, voxel_ml=1.0)
    >>> postprocessing = Postprocessing(thresholds=(0.3, 0.5, 0.8), min_component_voxels=0, connectivity=26)
    >>> choice = choose_threshold([case], postprocessing, Classification(residual_tumor_ml=1, min_overlap_dice=0))
    >>> candidates = choice.volume_f1.candidates
    >>> choice.threshold, candidates[0.5].score, candidates[0.3].mean_dice_of_detected
    (0.5, 1.0, 0.8)
    """
    return choose_of(measure(cases, postprocessing), postprocessing, classification)


def choose_of(measured: Measured, postprocessing: Postprocessing, classification: Classification) -> ThresholdChoice:
    """Choose as ``choose_threshold``, from cases that were measured at every candidate.

    >>> cases = [OutOfFoldCase(0, np.full((2, 2, 2), 0.7), np.ones((2, 2, 2), dtype=bool), voxel_ml=1.0)]
    >>> postprocessing = Postprocessing(thresholds=(0.9, 0.5), min_component_voxels=0, connectivity=26)
    >>> rule = Classification(residual_tumor_ml=1, min_overlap_dice=0)
    >>> choose_of(measure(cases, postprocessing), postprocessing, rule).threshold
    0.5
    """
    thresholds = postprocessing.thresholds
    return ThresholdChoice(
        postprocessing.rule,
        _choose(measured, thresholds, lambda chosen: volume_f1(chosen, classification)),
        _choose(measured, thresholds, authors),
    )


def _choose(measured: Measured, thresholds: Sequence[float], score: Callable[[Measured], P]) -> RuleChoice[P]:
    every = np.ones(len(measured.fold), dtype=bool)

    def scores(chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> list[P]:
        same = np.ones(len(every), dtype=int)
        return [score(measured.at(chosen, same * index)) for index in range(len(thresholds))]

    found = scores(every)
    folds = [int(fold) for fold in np.unique(measured.fold)]
    nested = {fold: _best(scores(measured.fold != fold)) for fold in folds} if len(folds) > 1 else {}
    column = np.array([nested.get(int(fold), 0) for fold in measured.fold])
    return RuleChoice(
        threshold=thresholds[_best(found)],
        candidates=dict(zip(thresholds, found, strict=True)),
        nested={fold: thresholds[index] for fold, index in nested.items()},
        nested_performance=score(measured.at(every, column)) if nested else None,
    )


def _best(found: Sequence[VolumeF1] | Sequence[Authors]) -> int:
    return max(range(len(found)), key=lambda index: found[index].score)
