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
from residua.images.opening import open_image
from residua.images.units import unit_instead_of_mm
from residua.images.whole import whole_voxels
from residua.publishing.publish import writing

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS+ world coordinates to those of ITK and ANTs, and back."""
Box = tuple[slice, slice, slice]
"""A part of a grid along x, y, z."""
GRID_TOLERANCE_VOXELS = 0.05
"""Two grids are the same when no corner lies further apart than this: no program shifts an image by so little."""
_QUATERNION_ROUNDING = 1.5e-3
"""In radians: how far a quaternion of float32 may turn a volume about its stored origin; 1.2e-3 were seen."""
_SPACING_ROUNDING = 1e-4


@dataclass(frozen=True)
class Grid:
    """Position of voxels: RAS+ shape (x, y, z), RAS+ affine (4x4, mm), and the axis codes of the stored file."""

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
        """Compute the world coordinates (8x3, mm) of the grid's corner voxels."""
        index = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, 8).T
        return np.asarray(nib.affines.apply_affine(self.affine, index))

    def same_as(self, other: Grid) -> bool:
        """Return whether both grids have one shape and one place, but for the rounding of a header.

        A quaternion rounds to a small rotation: the origin stays where it is, and the far corner may move by half a
        voxel. A shift moves every corner.
        """
        if self.shape != other.shape:
            return False
        apart = (self.corners_mm() - other.corners_mm()).T
        voxels = np.max([np.abs(np.linalg.solve(grid.affine[:3, :3], apart)) for grid in (self, other)], axis=(0, 1))
        if voxels.max() <= GRID_TOLERANCE_VOXELS:
            return True
        at_origin = min(voxels[self._stored_origin()], voxels[other._stored_origin()])
        return bool(at_origin <= GRID_TOLERANCE_VOXELS and _slightly_turned(self.affine, other.affine))

    def _stored_origin(self) -> int:
        """Return which of ``corners_mm`` is the first voxel of the stored file."""
        x, y, z = (backwards in self.stored_as for backwards in "LPI")
        return 4 * x + 2 * y + z

    def distance_mm(self, other: Grid) -> float:
        """Return how far the corners of two grids of one shape lie apart, at most."""
        return float(np.linalg.norm(self.corners_mm() - other.corners_mm(), axis=1).max())

    def to_json(self) -> dict[str, Any]:
        """Return builtins from which ``from_json`` builds the same grid again."""
        return {"shape": list(self.shape), "affine": self.affine.tolist(), "stored_as": self.stored_as}

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Grid:
        """Build the grid that ``to_json`` described."""
        x, y, z = record["shape"]
        return cls((x, y, z), np.array(record["affine"], dtype=np.float64), record["stored_as"])


@dataclass(frozen=True)
class Image:
    """Voxels (x, y, z) in RAS+ order on their grid."""

    data: NDArray[Any]
    grid: Grid


def _slightly_turned(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Return whether one affine is the other, turned by no more than a quaternion rounds."""
    axes, turned = one[:3, :3], other[:3, :3]
    unit, other_unit = _unit(axes), _unit(turned)
    if not np.allclose(unit.T @ unit, other_unit.T @ other_unit, atol=_SPACING_ROUNDING):
        return False
    if not np.allclose(nib.affines.voxel_sizes(one), nib.affines.voxel_sizes(other), rtol=_SPACING_ROUNDING):
        return False
    return bool(np.linalg.norm(other_unit - unit, axis=0).max() <= _QUATERNION_ROUNDING)


def _unit(axes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(axes / np.linalg.norm(axes, axis=0))


def _opened(path: str | os.PathLike[str]) -> nib.Nifti1Image:
    try:
        opened = open_image(path)
    except FileNotFoundError:
        raise ResiduaError(f"{path}: the file does not exist") from None
    except Exception as error:
        raise ResiduaError(f"{path}: cannot be read as NIfTI ({error})") from error
    if not isinstance(opened, nib.Nifti1Image) or len(opened.shape) != 3:
        raise ResiduaError(f"{path}: expected one 3D NIfTI volume, found shape {getattr(opened, 'shape', None)}")
    if not np.isfinite(opened.affine).all() or np.linalg.matrix_rank(opened.affine[:3, :3]) < 3:
        raise ResiduaError(f"{path}: the affine is degenerate: export the image again from its source")
    spacing = nib.affines.voxel_sizes(opened.affine)
    unit = unit_instead_of_mm(opened.header["xyzt_units"], spacing)
    if unit:
        shown = "x".join(f"{size:.3g}" for size in spacing)
        raise ResiduaError(
            f"{path}: spacing {shown} in {unit} instead of mm: write the spacing and the affine in mm, or convert the "
            "series again"
        )
    return opened


def _canonical(opened: nib.Nifti1Image) -> tuple[Grid, NDArray[Any]]:
    stored = orientations.io_orientation(opened.affine)
    codes = "".join(orientations.ornt2axcodes(stored))
    affine = opened.affine @ orientations.inv_ornt_aff(stored, opened.shape)
    shape = np.array(opened.shape)[np.argsort(stored[:, 0])]
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), np.asarray(affine, np.float64), codes), stored


def load_grid(path: str | os.PathLike[str]) -> Grid:
    """Load the grid of a NIfTI file; only the header is read.

    Raises ``ResiduaError`` when the file is missing, not NIfTI, or not 3D.

    >>> save(Image(np.zeros((2, 3, 4), np.float32), Grid((2, 3, 4), np.eye(4))), "image.nii.gz")
    >>> load_grid("image.nii.gz").shape
    (2, 3, 4)
    """
    return _canonical(_opened(path))[0]


def load(path: str | os.PathLike[str]) -> Image:
    """Load a 3D NIfTI file as float32 in RAS+ order. Raises ``ResiduaError`` when it cannot be read.

    A compressed file is read to its end, behind the voxels: only there its checksum shows whether a bit has changed.

    >>> save(Image(np.array([1.0, 2.0]).reshape(2, 1, 1), Grid((2, 1, 1), np.eye(4), stored_as="LPS")), "image.nii.gz")
    >>> load("image.nii.gz").data.ravel().tolist()
    [1.0, 2.0]
    """
    opened = _opened(path)
    grid, stored = _canonical(opened)
    try:
        voxels = whole_voxels(path, opened, np.float32)
    except Exception as error:
        raise ResiduaError(
            f"{path}: the voxels cannot be read, the file is truncated or damaged ({error}); copy or make it again"
        ) from error
    return Image(orientations.apply_orientation(voxels, stored), grid)


def load_mask(path: str | os.PathLike[str]) -> Image:
    """Load a label file as booleans (voxel > 0.5) in RAS+ order.

    >>> save(Image(np.array([0, 1], np.uint8).reshape(2, 1, 1), Grid((2, 1, 1), np.eye(4))), "mask.nii.gz")
    >>> load_mask("mask.nii.gz").data.ravel().tolist()
    [False, True]
    """
    image = load(path)
    return Image(image.data > 0.5, image.grid)


def save(image: Image, path: str | os.PathLike[str], slope: float | None = None) -> None:
    """Write ``image`` as NIfTI in the axis order in which its grid was stored; the file is whole or not there.

    With ``slope`` integer voxels are stored as they are and read back multiplied by it.

    >>> levels = np.array([0, 8192], np.uint16).reshape(2, 1, 1)
    >>> save(Image(levels, Grid((2, 1, 1), np.eye(4))), "probability.nii.gz", slope=1 / 16384)
    >>> load("probability.nii.gz").data.ravel().tolist()
    [0.0, 0.5]
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


def finite(image: Image) -> Image:
    """Return an image (x, y, z) with 0 for each value that is not finite.

    >>> image = Image(np.array([1.0, np.nan, np.inf]).reshape(3, 1, 1), Grid((3, 1, 1), np.eye(4)))
    >>> finite(image).data.ravel().tolist()
    [1.0, 0.0, 0.0]
    """
    return Image(np.nan_to_num(image.data, posinf=0.0, neginf=0.0), image.grid)


def require_same_grid(image: Image, reference: Image, what: str) -> None:
    """Raise ``ResiduaError`` that begins with ``what`` unless both images lie on one grid.

    >>> first = Image(np.zeros((2, 2, 2)), Grid((2, 2, 2), np.eye(4)))
    >>> second = Image(np.zeros((2, 2, 3)), Grid((2, 2, 3), np.eye(4)))
    >>> require_same_grid(first, second, "the mask")
    Traceback (most recent call last):
    residua.errors.ResiduaError: the mask: shape (2, 2, 2) and spacing 1x1x1 mm do not match ...
    """
    if not image.grid.same_as(reference.grid):
        alike = image.grid.shape == reference.grid.shape and _mm(image.grid) == _mm(reference.grid)
        elsewhere = f", but elsewhere in space, {image.grid.distance_mm(reference.grid):.3g} mm apart" if alike else ""
        raise ResiduaError(
            f"{what}: shape {image.grid.shape} and spacing {_mm(image.grid)} do not match the reference grid "
            f"(shape {reference.grid.shape}, spacing {_mm(reference.grid)}{elsewhere}); "
            "resample it to the reference image"
        )


def _mm(grid: Grid) -> str:
    return "x".join(f"{size:.3g}" for size in grid.spacing_mm) + " mm"


def ends_of(mask: NDArray[np.bool_], axis: int) -> tuple[int, int]:
    """Return the first level of a mask along ``axis`` and the one after the last; all levels for an empty mask.

    >>> ends_of(np.array([False, True, True, False]).reshape(4, 1, 1), axis=0)
    (1, 3)
    """
    levels = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
    return (int(levels[0]), int(levels[-1]) + 1) if levels.size else (0, mask.shape[axis])


def box_of(mask: NDArray[np.bool_]) -> tuple[Box, tuple[int, int, int]]:
    """Return the bounding box of a mask (x, y, z), and its first voxel; the whole array for an empty mask.

    >>> mask = np.zeros((5, 5, 5), dtype=bool)
    >>> mask[2:4, 1, 0] = True
    >>> box_of(mask)
    ((slice(2, 4, None), slice(1, 2, None), slice(0, 1, None)), (2, 1, 0))
    """
    x, y, z = (ends_of(mask, axis) for axis in range(3))
    return (slice(*x), slice(*y), slice(*z)), (x[0], y[0], z[0])


def box_around(grid: Grid, mask: NDArray[np.bool_], margin_mm: float) -> Box:
    """Return the bounding box of a mask (x, y, z) with a margin, within the grid; the whole grid for an empty mask.

    >>> mask = np.zeros((10, 10, 10), dtype=bool)
    >>> mask[4:6, 9, 0] = True
    >>> box_around(Grid(mask.shape, np.eye(4)), mask, margin_mm=2.0)
    (slice(2, 8, None), slice(7, 10, None), slice(0, 3, None))
    """
    sides = []
    for axis, (size, spacing_mm) in enumerate(zip(grid.shape, grid.spacing_mm, strict=True)):
        start, stop = ends_of(mask, axis)
        margin = math.ceil(margin_mm / spacing_mm)
        sides.append(slice(max(0, start - margin), min(size, stop + margin)))
    return sides[0], sides[1], sides[2]
