"""The metrics of a case: name, unit, direction, function, and what they are when a mask is empty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from residua.metrics.compared_masks import ComparedMasks
from residua.metrics.lesions import Lesions
from residua.metrics.overlap import dice_of, jaccard_of, ratio

Direction = Literal["higher", "lower", "nearest 0", ""]
UNDEFINED = math.nan
SURFACE_TOLERANCES_MM = (1, 2)


@dataclass(frozen=True)
class EmptyMasks:
    """Value of a metric when a mask is empty: a number, ``UNDEFINED``, or None where its function gives it as ever."""

    only_reference: float | None
    """Nothing was predicted."""
    only_prediction: float | None
    """Nothing was drawn."""
    neither: float | None
    """Both masks are empty."""

    def value(self, has_reference: bool, has_prediction: bool) -> float | None:
        """Return the value for the masks that there are; None when the metric's function gives it.

        >>> EmptyMasks(0.0, 0.0, UNDEFINED).value(has_reference=True, has_prediction=False)
        0.0
        """
        if has_reference and has_prediction:
            return None
        if has_reference or has_prediction:
            return self.only_reference if has_reference else self.only_prediction
        return self.neither


AS_EVER = EmptyMasks(None, None, None)
NO_AGREEMENT = EmptyMasks(0.0, 0.0, UNDEFINED)
NEEDS_BOTH = EmptyMasks(UNDEFINED, UNDEFINED, UNDEFINED)
NEEDS_REFERENCE = EmptyMasks(None, UNDEFINED, UNDEFINED)
NEEDS_PREDICTION = EmptyMasks(UNDEFINED, None, UNDEFINED)


@dataclass(frozen=True)
class Metric:
    """A metric of a case. ``unit`` is empty for a fraction of 1; ``better`` is empty for a plain measurement."""

    name: str
    unit: Literal["", "mm", "ml", "lesions"]
    better: Direction
    meaning: str
    function: Callable[[ComparedMasks], float]
    empty: EmptyMasks
    of_lesions: bool = False
    """A mask without any lesion is empty."""

    def of(self, case: ComparedMasks) -> float:
        """Return the metric of a case; NaN where it is undefined."""
        counted = case.lesions if self.of_lesions else case
        value = self.empty.value(counted.in_reference > 0, counted.in_prediction > 0)
        return self.function(case) if value is None else value


def _surface_dice(tolerance_mm: int) -> Metric:
    return Metric(
        f"surface_dice_{tolerance_mm}mm",
        "",
        "higher",
        f"share of the voxels of both surfaces that lie within {tolerance_mm} mm of the other surface",
        lambda case: case.distances.share_within(tolerance_mm),
        NO_AGREEMENT,
    )


def _lesion_recall(lesions: Lesions) -> float:
    return ratio(lesions.found, lesions.in_reference)


def _lesion_precision(lesions: Lesions) -> float:
    return ratio(lesions.in_prediction - lesions.false, lesions.in_prediction)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else UNDEFINED


METRICS: tuple[Metric, ...] = (
    Metric(
        "dice",
        "",
        "higher",
        "2 · shared voxels / (voxels of the reference + voxels of the prediction)",
        lambda case: dice_of(case.shared, case.in_reference, case.in_prediction),
        NO_AGREEMENT,
    ),
    Metric(
        "jaccard",
        "",
        "higher",
        "shared voxels / voxels of either mask",
        lambda case: jaccard_of(case.shared, case.in_reference, case.in_prediction),
        NO_AGREEMENT,
    ),
    Metric(
        "precision",
        "",
        "higher",
        "share of the prediction's voxels that are in the reference",
        lambda case: ratio(case.shared, case.in_prediction),
        NEEDS_PREDICTION,
    ),
    Metric(
        "recall",
        "",
        "higher",
        "share of the reference's voxels that are in the prediction",
        lambda case: ratio(case.shared, case.in_reference),
        NEEDS_REFERENCE,
    ),
    Metric(
        "hd95_mm",
        "mm",
        "lower",
        "95th percentile of both directed sets of surface distances together (that of MedPy; elsewhere the larger of "
        "two directed percentiles bears this name)",
        lambda case: case.distances.hd95_mm,
        NEEDS_BOTH,
    ),
    Metric(
        "assd_mm",
        "mm",
        "lower",
        "mean of both directed sets of surface distances together (average symmetric surface distance, that of MedPy "
        "0.5)",
        lambda case: case.distances.assd_mm,
        NEEDS_BOTH,
    ),
    *(_surface_dice(tolerance_mm) for tolerance_mm in SURFACE_TOLERANCES_MM),
    Metric("reference_ml", "ml", "", "volume of the reference", lambda case: case.reference_ml, AS_EVER),
    Metric("predicted_ml", "ml", "", "volume of the prediction", lambda case: case.predicted_ml, AS_EVER),
    Metric(
        "absolute_volume_error_ml",
        "ml",
        "lower",
        "absolute difference of the volumes",
        lambda case: abs(case.volume_error_ml),
        AS_EVER,
    ),
    Metric(
        "volume_error_ml",
        "ml",
        "nearest 0",
        "volume of the prediction − volume of the reference",
        lambda case: case.volume_error_ml,
        AS_EVER,
    ),
    Metric(
        "reference_lesions", "lesions", "", "lesions of the reference", lambda case: case.lesions.in_reference, AS_EVER
    ),
    Metric(
        "found_lesions",
        "lesions",
        "higher",
        "lesions of the reference that are found",
        lambda case: case.lesions.found,
        AS_EVER,
    ),
    Metric(
        "predicted_lesions",
        "lesions",
        "",
        "lesions of the prediction",
        lambda case: case.lesions.in_prediction,
        AS_EVER,
    ),
    Metric(
        "false_lesions",
        "lesions",
        "lower",
        "lesions of the prediction that touch no lesion of the reference",
        lambda case: case.lesions.false,
        AS_EVER,
    ),
    Metric(
        "lesion_recall",
        "",
        "higher",
        "found lesions / lesions of the reference",
        lambda case: _lesion_recall(case.lesions),
        NEEDS_REFERENCE,
        of_lesions=True,
    ),
    Metric(
        "lesion_precision",
        "",
        "higher",
        "(lesions of the prediction − false lesions) / lesions of the prediction",
        lambda case: _lesion_precision(case.lesions),
        NEEDS_PREDICTION,
        of_lesions=True,
    ),
    Metric(
        "lesion_f1",
        "",
        "higher",
        "harmonic mean of lesion_recall and lesion_precision, 0 where both are 0",
        lambda case: _harmonic(_lesion_recall(case.lesions), _lesion_precision(case.lesions)),
        NO_AGREEMENT,
        of_lesions=True,
    ),
    Metric(
        "lesion_dice",
        "",
        "higher",
        "mean over the groups in which a lesion is found of the Dice of the group's union",
        lambda case: _mean([group.dice for group in case.lesions.matched]),
        NEEDS_BOTH,
        of_lesions=True,
    ),
    Metric(
        "lesion_hd95_mm",
        "mm",
        "lower",
        "mean over these groups of the hd95_mm of the group's union",
        lambda case: _mean([group.hd95_mm for group in case.lesions.matched]),
        NEEDS_BOTH,
        of_lesions=True,
    ),
    Metric(
        "relative_volume_error",
        "",
        "nearest 0",
        "(volume of the prediction − volume of the reference) / volume of the reference",
        lambda case: ratio(case.in_prediction - case.in_reference, case.in_reference),
        NEEDS_REFERENCE,
    ),
)
"""All metrics, in the order of the columns."""
_NAMES = tuple(metric.name for metric in METRICS)
EVALUATED = _NAMES[: _NAMES.index("lesion_f1") + 1]
"""The metrics that ``residua evaluate`` writes of a case: other programs rely on these columns in this order."""
