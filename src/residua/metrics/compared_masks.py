"""Compare two masks once: what all metrics of a case are computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from residua.images.volumes import Grid, box_around
from residua.metrics.surface import SurfaceDistances, surface_distances


@dataclass(frozen=True)
class ComparedMasks:
    """Voxels of the intersection and of each mask, the volume of a voxel, and the distances of the surfaces."""

    shared: int
    in_reference: int
    in_prediction: int
    voxel_ml: float
    distances: SurfaceDistances

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


def compare(reference: NDArray[np.bool_], prediction: NDArray[np.bool_], grid: Grid) -> ComparedMasks:
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
    return ComparedMasks(
        shared=int(np.count_nonzero(reference & prediction)),
        in_reference=int(np.count_nonzero(reference)),
        in_prediction=int(np.count_nonzero(prediction)),
        voxel_ml=grid.voxel_ml,
        distances=surface_distances(reference, prediction, grid.spacing_mm),
    )


def _require_mask(name: str, mask: NDArray[np.bool_], grid: Grid) -> None:
    if mask.dtype != np.bool_:
        # A probability map or a label map would be read as "everything above zero" without notice.
        raise TypeError(f"the {name} must be a boolean mask, found {mask.dtype}")
    if mask.shape != grid.shape:
        raise ValueError(f"the {name} has shape {mask.shape}, the grid {grid.shape}")
