"""Estimate the room that a study needs on disk, from the grids of its scans, before anything is computed.

The numbers are those that ``docs/explanation/cost.md`` measured. They are good to a factor of one and a half.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import NamedTuple

from residua.errors import ResiduaError

SURE = 1.5
"""Where even the estimate divided by it does not fit, a study is refused."""
BRAIN_ML = 1450.0
BRAIN_BOX_MM = (138.0, 168.0, 155.0)
FEW_GREYS = 1.05
"""Bytes of a voxel of a registered image."""
FULL = 3.5
"""Bytes of a voxel of the brain in float32, compressed."""
PROBABILITY = 0.1
"""Bytes of a voxel of a probability map, most of whose voxels are 0."""
PAGES = 1.3e6
"""Bytes of a patient's pages, pictures, masks and numbers."""
_FIELD = 12 * 0.92
_WEIGHT = 300
"""Bytes of a trained model for each filter of a level, squared: its convolutions of 27 weights, and what joins them."""


@dataclass(frozen=True)
class GridSize:
    """The grid of a scan: its voxels, and the volume that they fill."""

    voxels: int
    field_ml: float

    @property
    def brain_voxels(self) -> float:
        """Return how many voxels of the grid show the brain."""
        return min(0.5, BRAIN_ML / max(self.field_ml, 1.0)) * self.voxels


@dataclass(frozen=True)
class OnDisk:
    """What a job will leave on disk: its stage, a file by which one sees that it is there, and bytes."""

    stage: str
    path: str
    bytes: float


def registered_bytes(reference: GridSize, spacing_mm: float | None) -> float:
    """Return the bytes of a registered image and its transform, whose field has voxels of ``spacing_mm`` (None: all).

    >>> round(registered_bytes(GridSize(42_467_328, 10_200.0), spacing_mm=3.0) / 1e6)
    49
    """
    field = reference.voxels if spacing_mm is None else min(reference.voxels, reference.field_ml * 1000 / spacing_mm**3)
    return FEW_GREYS * reference.voxels + _FIELD * field


def stripped_bytes(reference: GridSize) -> float:
    """Return the bytes of a stripped image.

    >>> round(stripped_bytes(GridSize(42_467_328, 10_200.0)) / 1e6)
    21
    """
    return FULL * reference.brain_voxels


def grid_of(spacing_mm: Sequence[float] | None, shape: Sequence[int] | None) -> int:
    """Return the voxels of a prepared channel: of a fixed ``shape``, or of a brain's box at a spacing.

    >>> grid_of((0.5, 0.5, 1.0), None), grid_of((1.0, 1.0, 1.0), (128, 128, 144))
    (14374080, 2359296)
    """
    if shape is not None:
        return prod(shape)
    return round(prod(BRAIN_BOX_MM) / prod(spacing_mm or (1.0, 1.0, 1.0)))


def model_bytes(features: Sequence[int]) -> float:
    """Return the bytes of a trained model by the filters of its levels.

    >>> round(model_bytes((32, 64, 128, 256, 320)) / 1e6)
    57
    """
    return float(_WEIGHT * sum(filters**2 for filters in features))


def by_stage(stored: Iterable[OnDisk]) -> dict[str, float]:
    """Return the bytes of every stage, in the order in which stages come first."""
    total: dict[str, float] = {}
    for each in stored:
        total[each.stage] = total.get(each.stage, 0.0) + each.bytes
    return total


def missing(stored: Iterable[OnDisk], planned: Iterable[str]) -> list[OnDisk]:
    """Return what is ``planned`` (paths of files) and not there yet: what is made again takes the room of the old."""
    wanted = set(planned)
    return [each for each in stored if each.path in wanted and not os.path.exists(each.path)]


def free_bytes(folder: Path) -> int:
    """Return the room on the disk of a folder that may not exist yet."""
    there = next(place for place in (folder, *folder.resolve().parents) if place.is_dir())
    return shutil.disk_usage(there).free


class Remedies(NamedTuple):
    """What helps where there is too little room: something else than making room, and how to start nevertheless."""

    instead: str
    nevertheless: str


OF_A_STUDY = Remedies("name another folder for the results (--directory)", "machine: {check_free_space: false}")
OF_AN_APPLICATION = Remedies(
    "name another folder for the results (--out), or give fewer patients at a time",
    "start the workflow with a configuration of your own (docs/how-to/predict.md, On a cluster), with "
    "machine: {check_free_space: false}",
)
"""``residua predict`` and ``residua validate`` write their configuration themselves."""


def require_space(
    needed: Sequence[OnDisk],
    folder: Path,
    free: Callable[[Path], int] = free_bytes,
    refuses: bool = True,
    remedies: Remedies = OF_A_STUDY,
) -> str | None:
    """Return a warning when the estimate does not fit into the disk of ``folder``, None when it fits.

    Raises ``ResiduaError`` when it is far from fitting, unless it never ``refuses``.
    """
    wanted, there = sum(each.bytes for each in needed), free(folder)
    if wanted <= there:
        return None
    stages = ", ".join(f"{stage} {size_in_words(size)}" for stage, size in by_stage(needed).items())
    what = (
        f"{folder.resolve()}: {size_in_words(there)} are free, "
        f"and what this run makes takes about {size_in_words(wanted)} ({stages}). "
        f"Make room, or {remedies.instead}; docs/explanation/cost.md says what may be deleted"
    )
    if refuses and wanted / SURE > there:
        raise ResiduaError(f"{what}. To start nevertheless: {remedies.nevertheless}")
    return f"{what}."


def size_in_words(size: float) -> str:
    """Return bytes in GB or MB.

    >>> size_in_words(2.5e9), size_in_words(120)
    ('2.5 GB', '0.1 MB')
    """
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.3g} MB"
