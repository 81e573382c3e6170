"""Find which training patients have residual tumour, so that an epoch can see both groups alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from residua.networks.agunet.prepared import read_cube, read_origin
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.cases import TrainingSet
from residua.networks.sampling import balanced_epoch, has_residual


def epochs_of(data: TrainingSet, patients: Sequence[str], settings: AGUNetSettings) -> Callable[[int], list[str]]:
    """Return a function from the number of an epoch to the patients that it sees: each once, or both groups alike."""
    if settings.sampling == "uniform":
        return lambda epoch: list(patients)
    groups = {patient: has_residual(_tumour_ml(data.references[patient]), settings) for patient in patients}
    return lambda epoch: balanced_epoch(groups, (settings.seed, epoch))


def _tumour_ml(reference: Path) -> float:
    cube = read_cube(reference)
    x, y, z = cube.shape
    return float(cube.sum()) * read_origin(reference).crop.divided((x, y, z)).voxel_ml
