"""Find which training patients have residual tumour, so that patches can be drawn from both groups alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residua.networks.cases import TrainingSet
from residua.networks.nnunet.prepared import geometry, opened
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.sampling import balanced_chances, has_residual


def patch_chances(data: TrainingSet, settings: NnUNetSettings) -> list[float] | None:
    """Return how probable each training patient is for a patch, in order; None: all alike."""
    if settings.sampling == "uniform":
        return None
    return balanced_chances([has_residual(_tumour_ml(data.references[p]), settings) for p in data.training])


def _tumour_ml(reference: Path) -> float:
    prepared, (crop, _) = np.asarray(opened(reference)[0]), geometry(reference)
    x, y, z = reversed(prepared.shape)
    return float((prepared == 1).sum()) * crop.divided((x, y, z)).voxel_ml
