"""Read the truth: the true place of a point of the reference scan in another sequence of a simulated patient."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from residua.images.volumes import LPS
from residua.simulate.geometry import Matrix

Points = NDArray[np.float64]
"""(n, 3), RAS+ mm."""


def true_places(truth: Path, sequence: str, points: Points) -> Points:
    """Return the places of points of the reference scan in ``sequence`` (n, 3; RAS+ mm).

    ``truth`` is a patient's folder of truth. The distance to the places by a registration is its error. Points in the
    resection cavity have no true place; for them the place of the tissue around them is returned.
    """
    shift = truth / f"{sequence}_shift.nii.gz"
    if shift.is_file():
        points = points + _shifted(shift, points)
    return np.asarray(nib.affines.apply_affine(read_itk(truth / f"{sequence}.tfm"), points))


def read_itk(path: Path) -> Matrix:
    """Read the RAS+ matrix (4x4, mm) of a file that ``geometry.write_itk`` wrote."""
    lines = dict(line.split(": ") for line in path.read_text(encoding="utf-8").splitlines() if ": " in line)
    values = [float(value) for value in lines["Parameters"].split()]
    lps = np.eye(4)
    lps[:3] = np.column_stack([np.reshape(values[:9], (3, 3)), values[9:]])
    return np.asarray(LPS @ lps @ LPS)


def _shifted(path: Path, points: Points) -> Points:
    field = nib.Nifti1Image.from_filename(path)
    vectors = np.asanyarray(field.dataobj)[:, :, :, 0, :]
    index = nib.affines.apply_affine(np.linalg.inv(field.affine), points).T
    shifts = [ndimage.map_coordinates(vectors[..., axis], index, order=1, mode="constant") for axis in range(3)]
    return np.asarray(np.stack(shifts, axis=1) * np.diag(LPS)[:3])
