"""Compare two masks once: what all metrics of a case are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid, box_around
from residua.metrics.lesions import LesionRule, Lesions, lesions_of, match_lesions
from residua.metrics.surface import SurfaceDistances, distances_between, surface_of

STANDARD = LesionRule()


@dataclass(frozen=True)
class ComparedMasks:
    """Voxels of the intersection and of each mask, the volume of a voxel, distances of the surfaces, and lesions."""

    shared: int
    in_reference: int
    in_prediction: int
    voxel_ml: float
    distances: SurfaceDistances
    lesions: Lesions

    @property
    def reference_ml(self) -> float:
        """Volume of the reference."""
        return self.in_reference * self.voxel_ml

    @property
    def predicted_ml(self) -> float:
        """Volume of the prediction."""
        return self.in_prediction * self.voxel_ml

    @property
    def volume_error_ml(self) -> float:
        """Volume of the prediction minus that of the reference."""
        return (self.in_prediction - self.in_reference) * self.voxel_ml


def compare(
    reference: NDArray[np.bool_], prediction: NDArray[np.bool_], grid: Grid, rule: LesionRule = STANDARD
) -> ComparedMasks:
    """Compare two boolean masks (x, y, z) on ``grid``.

    Raises ``TypeError`` for arrays that are not boolean and ``ValueError`` for a shape that is not the grid's.

    >>> grid = Grid((3, 1, 1), np.eye(4))
    >>> masks = np.array([[True, True, False], [False, True, True]]).reshape(2, 3, 1, 1)
    >>> compare(masks[0], masks[1], grid).shared
    1
    """
    for name, mask in (("reference", reference), ("prediction", prediction)):
        _require_mask(name, mask, grid)
    # Both masks lie in this box, most often a hundredth of the image.
    box = box_around(grid, reference | prediction, margin_mm=0)
    reference, prediction = reference[box], prediction[box]
    surfaces = surface_of(reference, grid.spacing_mm), surface_of(prediction, grid.spacing_mm)
    drawn, predicted = lesions_of(reference, surfaces[0], rule), lesions_of(prediction, surfaces[1], rule)
    return ComparedMasks(
        shared=int(np.count_nonzero(reference & prediction)),
        in_reference=int(np.count_nonzero(reference)),
        in_prediction=int(np.count_nonzero(prediction)),
        voxel_ml=grid.voxel_ml,
        distances=distances_between(*surfaces),
        lesions=match_lesions(drawn, predicted, grid.voxel_ml, rule),
    )


def _require_mask(name: str, mask: NDArray[np.bool_], grid: Grid) -> None:
    if mask.dtype != np.bool_:
        # A probability map or a label map would be read as "everything above zero" without notice.
        raise TypeError(f"the {name} must be a boolean mask, found {mask.dtype}")
    if mask.shape != grid.shape:
        raise ValueError(f"the {name} has shape {mask.shape}, the grid {grid.shape}")
