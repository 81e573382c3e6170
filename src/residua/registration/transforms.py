"""Transforms from a moving sequence to the reference: their files, and the one function that resamples through them.

A transform is an ITK affine and an ITK displacement field, whatever software found it, so that ANTs, ITK-SNAP and
3D Slicer can read it. Without a deformation, the field is zero on a few voxels.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import ants
import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from residua.errors import ResiduaError, UnusableScanError
from residua.images.averaging import averaged
from residua.images.volumes import LPS, Grid, Image
from residua.publishing.publish import writing
from residua.registration.scratch import require_whole

_VECTOR = 1007
"""NIfTI's intent code of a displacement field, by which ITK recognises it."""

LABEL_INTERPOLATION = "genericLabel"
"""ANTs' interpolation of labels: each label's share linearly, then the greatest."""

_LACK = re.compile(r"alloc|memory|space left|(?:can|could) ?not (?:open|write|read)", re.IGNORECASE)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class TransformFiles:
    """The two parts of a transform: moving to reference is the affine first, then the warp."""

    affine: Path
    warp: Path

    @property
    def in_order(self) -> list[str]:
        """Return the files as ``ants.apply_transforms`` takes them: the last applied first."""
        return [str(self.warp), str(self.affine)]


def error_of(software: str, error: Exception) -> ResiduaError:
    """Return the cause of a software's error: a lack of memory or disk, which a retry may solve, or unusable scans."""
    message = f"{software} could not register the images: {error}"
    return ResiduaError(message) if _LACK.search(str(error)) else UnusableScanError(message)


def to_ants(image: Image) -> ants.ANTsImage:
    """Return the same voxels as an ANTs image (LPS world, float32)."""
    affine = LPS @ image.grid.affine
    spacing = nib.affines.voxel_sizes(affine)
    return ants.from_numpy(
        np.ascontiguousarray(image.data, dtype=np.float32),
        origin=affine[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=affine[:3, :3] / spacing,
    )


def working(image: Image, spacing_mm: float | None) -> ants.ANTsImage:
    """Return ``image`` for the optimisation by an engine: at about ``spacing_mm`` (None: unchanged).

    Its place in space is rounded to a micrometre: the same scan stored in another order of axes differs by the float32
    rounding of the header, from which an optimiser would take another path.
    """
    found = to_ants(image if spacing_mm is None else averaged(image, spacing_mm))
    found.set_origin(np.round(found.origin, 3).tolist())
    found.set_spacing(np.round(found.spacing, 5).tolist())
    found.set_direction(np.round(found.direction, 6))
    return found


def resample(grid: Grid, moving: Image, transform: TransformFiles | None, interpolation: str) -> Image:
    """Resample ``moving`` to ``grid``, interpolated once; without a transform by the headers alone.

    ``interpolation`` is one of ANTs' names. Voxels outside the moving image are 0.
    """
    there = Image(np.zeros(grid.shape, dtype=np.float32), grid)
    warped = ants.apply_transforms(
        to_ants(there),
        to_ants(moving),
        transformlist=transform.in_order if transform else [],
        interpolator=interpolation,
    )
    return Image(warped.numpy().astype(np.float32), grid)


def matrix_of(affine: Path) -> Matrix:
    """Return the RAS+ matrix (4x4, mm) of an ITK affine file: from the reference to the moving image."""
    found = ants.read_transform(str(affine))
    parameters, centre = np.asarray(found.parameters), np.asarray(found.fixed_parameters)
    lps = np.eye(4)
    lps[:3, :3] = parameters[:9].reshape(3, 3)
    lps[:3, 3] = parameters[9:] + centre - lps[:3, :3] @ centre
    return np.asarray(LPS @ lps @ LPS)


def write_matrix(matrix: Matrix, affine: Path) -> None:
    """Write a RAS+ matrix (4x4, mm), reference to moving, as the ITK affine that ``matrix_of`` reads."""
    lps = LPS @ matrix @ LPS
    made = ants.new_ants_transform(dimension=3, transform_type="AffineTransform")
    made.set_parameters([*lps[:3, :3].ravel(), *lps[:3, 3]])
    made.set_fixed_parameters([0.0, 0.0, 0.0])
    with writing(affine, suffix=".mat") as beside:
        ants.write_transform(made, str(beside))
        require_whole([beside], "ANTs")


def write_no_warp(grid: Grid, warp: Path) -> None:
    """Write a displacement field of zeros over ``grid``, two voxels along each axis."""
    stretch = np.diag([*(np.maximum(np.array(grid.shape) - 1, 1)), 1.0])
    field = nib.Nifti1Image(np.zeros((2, 2, 2, 1, 3), np.float32), grid.affine @ stretch)
    field.header.set_intent(_VECTOR)
    field.header.set_xyzt_units("mm")
    with writing(warp, suffix=".nii.gz") as beside:
        nib.save(field, beside)


def keep(source: Path, target: Path) -> None:
    """Publish a file that the registration software wrote into its scratch folder."""
    with writing(target) as beside:
        shutil.copyfile(source, beside)
