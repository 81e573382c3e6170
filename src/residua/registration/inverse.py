"""Invert the transform of a moving sequence, so that a mask on the reference grid can be brought back to its scan.

The inverse has the form of the transform itself, a deformation and then an affine, so that the same software reads both
in the same order. Registration does not need it: who wants to go back computes it.
"""

from __future__ import annotations

from pathlib import Path

import ants
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images import volumes
from residua.images.volumes import LPS, Grid
from residua.publishing.publish import writing
from residua.registration.labels import warp_label
from residua.registration.scratch import require_whole
from residua.registration.transforms import Matrix, TransformFiles, matrix_of, write_matrix, write_no_warp

_ITERATIONS = 50
_MEAN_ERROR, _LARGEST_ERROR = 1e-3, 1e-2
"""ITK's inversion of a field ends below both, in voxels of the field, or after the iterations."""


def invert(transform: TransformFiles, moving: Grid, inverse: TransformFiles) -> None:
    """Write the inverse of ``transform``, from the reference back to ``moving``.

    With the affine A and the deformation W of a transform, a point of the reference lies at A(W(x)) in the moving scan.
    The inverse is the affine A⁻¹ after the deformation A W⁻¹ A⁻¹, over the grid of the moving scan. W is inverted on
    its own grid by iteration (ITK); beyond that grid, and where it folds, it has no inverse.
    """
    matrix = matrix_of(transform.affine)
    write_matrix(np.asarray(np.linalg.inv(matrix), np.float64), inverse.affine)
    field = ants.image_read(str(transform.warp))
    if not field.numpy().any():
        write_no_warp(moving, inverse.warp)
        return
    found = ants.invert_displacement_field(field, field * 0, _ITERATIONS, _MEAN_ERROR, _LARGEST_ERROR)
    _write_carried(found, matrix, moving, inverse.warp)


def bring_back(mask: Path, moving: Path, transform: TransformFiles, inverse: TransformFiles, out: Path) -> None:
    """Write a mask, drawn on the reference grid, on the grid of the ``moving`` scan, and the inverse of its transform.

    It shows where the tumour was left. Its volume is no measurement, because the deformation changes it.
    """
    invert(transform, volumes.load_grid(moving), inverse)
    warp_label(moving, mask, inverse, out)


def _write_carried(field: ants.ANTsImage, matrix: Matrix, moving: Grid, warp: Path) -> None:
    """Carry a displacement field of the reference space by an affine to the space of ``moving``, and write it."""
    steps = np.maximum(1, np.round(np.array(field.spacing) / moving.spacing_mm)).astype(int)
    shape = tuple(int(n) for n in -(-(np.array(moving.shape) - 1) // steps) + 1)
    affine = moving.affine @ np.diag([*steps, 1.0])
    to_field = np.linalg.inv(_affine_of(field)) @ np.linalg.inv(matrix) @ affine
    vectors = field.numpy()
    sampled = [
        ndimage.affine_transform(vectors[..., axis], to_field[:3, :3], to_field[:3, 3], shape, order=1)
        for axis in range(3)
    ]
    # ITK's vectors point along LPS.
    turned = np.stack(sampled, axis=-1) @ (LPS @ matrix @ LPS)[:3, :3].T
    nifti = nib.Nifti1Image(turned[:, :, :, None, :].astype(np.float32), affine)
    nifti.header.set_intent("vector")
    nifti.header.set_xyzt_units("mm")
    with writing(warp, suffix=".nii.gz") as beside:
        nib.save(nifti, beside)
        require_whole([beside], "nibabel")


def _affine_of(image: ants.ANTsImage) -> NDArray[np.float64]:
    """Return the RAS+ affine (voxel to mm) of an ANTs image."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(image.direction) * image.spacing
    affine[:3, 3] = image.origin
    return np.asarray(LPS @ affine)
