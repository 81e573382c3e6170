"""Load, save and compare images, always in one in-memory convention: RAS+ voxel order.

A file may store its axes in any order. ``load`` brings the voxels to RAS+ and remembers the stored order in the grid;
``save`` writes them back in that order, so that a mask made from an image overlays it voxel by voxel in every viewer.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from nibabel import orientations
from numpy.typing import NDArray

from residua.errors import ResiduaError
from residua.publishing.publish import writing

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS+ world coordinates to those of ITK and ANTs, and back."""
GRID_TOLERANCE_MM = 1e-3
"""Two grids are the same when no corner differs by more than this (float32 headers round at about 1e-5)."""


@dataclass(frozen=True)
class Grid:
    """Where voxels lie: RAS+ shape (x, y, z), RAS+ affine (4x4, mm), and the axis codes that the file is stored in."""

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    stored_as: str = "RAS"

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel size along x, y, z in mm."""
        x, y, z = nib.affines.voxel_sizes(self.affine)
        return float(x), float(y), float(z)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def corners_mm(self) -> NDArray[np.float64]:
        """World coordinates (8x3, mm) of the grid's corner voxels."""
        index = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, 8).T
        return np.asarray(nib.affines.apply_affine(self.affine, index))

    def same_as(self, other: Grid) -> bool:
        """Whether both grids have one shape and no corner lies further apart than ``GRID_TOLERANCE_MM``."""
        return self.shape == other.shape and bool(
            np.abs(self.corners_mm() - other.corners_mm()).max() <= GRID_TOLERANCE_MM
        )

    def to_json(self) -> dict[str, Any]:
        """Builtins from which ``from_json`` makes the same grid again."""
        return {"shape": list(self.shape), "affine": self.affine.tolist(), "stored_as": self.stored_as}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Grid:
        """The grid that ``to_json`` described."""
        x, y, z = record["shape"]
        return cls((x, y, z), np.array(record["affine"], dtype=np.float64), record["stored_as"])


@dataclass(frozen=True)
class Image:
    """Voxels (x, y, z) in RAS+ order on their grid."""

    data: NDArray[Any]
    grid: Grid


def _opened(path: str | os.PathLike[str]) -> nib.Nifti1Image:
    try:
        opened = nib.load(path)
    except FileNotFoundError:
        raise ResiduaError(f"{path}: the file does not exist") from None
    except Exception as error:
        raise ResiduaError(f"{path}: cannot be read as NIfTI ({error})") from error
    if not isinstance(opened, nib.Nifti1Image) or len(opened.shape) != 3:
        raise ResiduaError(f"{path}: expected one 3D NIfTI volume, found shape {getattr(opened, 'shape', None)}")
    if not np.isfinite(opened.affine).all() or np.linalg.matrix_rank(opened.affine[:3, :3]) < 3:
        raise ResiduaError(f"{path}: the affine is degenerate: export the image again from its source")
    return opened


def _canonical(opened: nib.Nifti1Image) -> tuple[Grid, NDArray[Any]]:
    stored = orientations.io_orientation(opened.affine)
    codes = "".join(orientations.ornt2axcodes(stored))
    affine = opened.affine @ orientations.inv_ornt_aff(stored, opened.shape)
    shape = np.array(opened.shape)[np.argsort(stored[:, 0])]
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), np.asarray(affine, np.float64), codes), stored


def load_grid(path: str | os.PathLike[str]) -> Grid:
    """The grid of a NIfTI file; reads the header only.

    Raises ``ResiduaError`` when the file is missing, not NIfTI, or not 3D.
    """
    return _canonical(_opened(path))[0]


def load(path: str | os.PathLike[str]) -> Image:
    """A 3D NIfTI file as float32 in RAS+ order. Raises ``ResiduaError`` when it cannot be read."""
    opened = _opened(path)
    grid, stored = _canonical(opened)
    try:
        voxels = np.asarray(opened.dataobj, dtype=np.float32)
    except Exception as error:
        raise ResiduaError(f"{path}: the voxels cannot be read, the file may be truncated ({error})") from error
    return Image(orientations.apply_orientation(voxels, stored), grid)


def load_mask(path: str | os.PathLike[str]) -> Image:
    """A label file as booleans (voxel > 0.5) in RAS+ order."""
    image = load(path)
    return Image(image.data > 0.5, image.grid)


def save(image: Image, path: str | os.PathLike[str], slope: float | None = None) -> None:
    """Write ``image`` as NIfTI in the axis order its grid was stored in; beside first, then renamed.

    With ``slope`` integer voxels are stored as they are and read back multiplied by it.
    """
    data = image.data.astype(np.uint8) if image.data.dtype == bool else image.data
    ras = orientations.axcodes2ornt("RAS")
    stored = orientations.axcodes2ornt(tuple(image.grid.stored_as))
    change = orientations.ornt_transform(ras, stored)
    voxels = orientations.apply_orientation(data, change)
    affine = image.grid.affine @ orientations.inv_ornt_aff(change, image.grid.shape)
    nifti = nib.Nifti1Image(voxels, affine)
    nifti.header.set_xyzt_units("mm")
    if slope is not None:
        nifti.header.set_slope_inter(slope, 0)
    with writing(path, suffix=".nii.gz") as beside:
        nib.save(nifti, beside)


def require_same_grid(image: Image, reference: Image, what: str) -> None:
    """Raise ``ResiduaError`` naming ``what`` unless both images lie on one grid."""
    if not image.grid.same_as(reference.grid):
        alike = image.grid.shape == reference.grid.shape and _mm(image.grid) == _mm(reference.grid)
        elsewhere = ", but elsewhere in space" if alike else ""
        raise ResiduaError(
            f"{what}: shape {image.grid.shape} and spacing {_mm(image.grid)} do not match the reference grid "
            f"(shape {reference.grid.shape}, spacing {_mm(reference.grid)}{elsewhere}); "
            "resample it to the reference image"
        )


def _mm(grid: Grid) -> str:
    return "x".join(f"{size:.3g}" for size in grid.spacing_mm) + " mm"


def ends_of(mask: NDArray[np.bool_], axis: int) -> tuple[int, int]:
    """The first level along ``axis`` with a voxel of a mask and the one after the last; all levels of an empty mask."""
    levels = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
    return (int(levels[0]), int(levels[-1]) + 1) if levels.size else (0, mask.shape[axis])


def box_around(grid: Grid, mask: NDArray[np.bool_], margin_mm: float) -> tuple[slice, slice, slice]:
    """The bounding box of a mask (x, y, z) with a margin, within the grid; the whole grid for an empty mask."""
    sides = []
    for axis, (size, spacing_mm) in enumerate(zip(grid.shape, grid.spacing_mm, strict=True)):
        start, stop = ends_of(mask, axis)
        margin = math.ceil(margin_mm / spacing_mm)
        sides.append(slice(max(0, start - margin), min(size, stop + margin)))
    return sides[0], sides[1], sides[2]
