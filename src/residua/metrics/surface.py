"""Measure the distances between the surfaces of two masks, which HD95 and ASSD summarise.

The surface of a mask is what one erosion with the 6-neighbourhood removes; beyond the array lies background. Both
definitions are those of MedPy 0.5 (``medpy.metric.binary.hd95`` and ``assd`` at their default connectivity).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import KDTree

from residua.images.volumes import box_of

Spacing = tuple[float, float, float]
_ROUNDING = 1e-6


@dataclass(frozen=True)
class SurfaceDistances:
    """Distance (mm) of each surface voxel of one mask to the nearest surface voxel of the other, in both directions.

    Both arrays are empty when either mask is empty.
    """

    prediction_to_reference_mm: NDArray[np.float64]
    reference_to_prediction_mm: NDArray[np.float64]

    @property
    def hd95_mm(self) -> float:
        """95th percentile of both directed sets concatenated, in mm; NaN when either mask is empty.

        It differs from the larger of two directed percentiles, which bears the same name elsewhere.
        """
        both = self._both_mm()
        return float(np.percentile(both, 95)) if both.size else float("nan")

    @property
    def assd_mm(self) -> float:
        """Mean of both directed sets concatenated, in mm; NaN when either mask is empty.

        Each surface voxel weighs the same, as in MedPy from 0.5 on; earlier versions averaged two directed means.
        """
        both = self._both_mm()
        return float(both.mean()) if both.size else float("nan")

    def share_within(self, tolerance_mm: float) -> float:
        """Return the share of the voxels of both surfaces within a distance of the other; NaN when a mask is empty.

        >>> SurfaceDistances(np.array([0.0, 1.0, 3.0]), np.array([0.5])).share_within(1.0)
        0.75
        """
        both = self._both_mm()
        # Headers hold float32: a voxel of 1.0000001 mm is one of 1 mm.
        return float(np.mean(both <= tolerance_mm * (1 + _ROUNDING))) if both.size else float("nan")

    def _both_mm(self) -> NDArray[np.float64]:
        return np.concatenate([self.prediction_to_reference_mm, self.reference_to_prediction_mm])


@dataclass(frozen=True)
class MaskSurface:
    """The surface voxels of a mask: their indices (n, 3) along x, y, z, and the spacing."""

    voxels: NDArray[np.intp]
    spacing_mm: Spacing

    def part(self, chosen: NDArray[np.bool_]) -> MaskSurface:
        """Return the ``chosen`` ones of its voxels (n)."""
        return MaskSurface(self.voxels[chosen], self.spacing_mm)

    def to(self, other: MaskSurface) -> NDArray[np.float64]:
        """Return the distance (mm) of each voxel to the nearest one of another surface that is not empty."""
        # A tree of the few surface voxels equals a distance transform of the box; where false positives lie scattered
        # over the brain the box is most of the image, and the transform takes seconds and gigabytes.
        distances, _ = KDTree(other._positions_mm()).query(self._positions_mm())
        return np.asarray(distances, dtype=np.float64)

    def _positions_mm(self) -> NDArray[np.float64]:
        return np.asarray(self.voxels * np.array(self.spacing_mm), dtype=np.float64)


def surface_of(mask: NDArray[np.bool_], spacing_mm: Spacing) -> MaskSurface:
    """Return the surface of a mask (x, y, z) with voxels of ``spacing_mm``.

    >>> surface_of(np.ones((3, 3, 3), dtype=bool), (1.0, 1.0, 1.0)).voxels.shape
    (26, 3)
    """
    box, start = box_of(mask)
    inner = mask[box]
    return MaskSurface(np.argwhere(inner & ~ndimage.binary_erosion(inner)) + start, spacing_mm)


def distances_between(reference: MaskSurface, prediction: MaskSurface) -> SurfaceDistances:
    """Measure the distances of two surfaces, in both directions.

    >>> one, other = (MaskSurface(np.array([[x, 0, 0]]), (2.0, 1.0, 1.0)) for x in (0, 3))
    >>> distances_between(one, other).assd_mm
    6.0
    """
    if not (reference.voxels.size and prediction.voxels.size):
        return SurfaceDistances(np.empty(0), np.empty(0))
    return SurfaceDistances(prediction.to(reference), reference.to(prediction))
