"""The metrics of a case: name, unit, direction, function, and what they are when a mask is empty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from residua.metrics.compared_masks import ComparedMasks
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
    unit: Literal["", "mm", "ml"]
    better: Direction
    meaning: str
    function: Callable[[ComparedMasks], float]
    empty: EmptyMasks

    def of(self, case: ComparedMasks) -> float:
        """Return the metric of a case; NaN where it is undefined."""
        value = self.empty.value(case.in_reference > 0, case.in_prediction > 0)
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
        "relative_volume_error",
        "",
        "nearest 0",
        "(volume of the prediction − volume of the reference) / volume of the reference",
        lambda case: ratio(case.in_prediction - case.in_reference, case.in_reference),
        NEEDS_REFERENCE,
    ),
)
"""All metrics, in the order of the columns."""
