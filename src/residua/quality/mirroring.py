"""Compare a registered scan with the reference as it is and mirrored left to right, to find a scan that was flipped.

A flipped scan registers nearly as well as the scan itself: both sides of a head are alike, but not equal. After the
registration, a flipped scan lies on the reference's mirror image.
"""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, optimize

from residua.images.averaging import averaged
from residua.images.volumes import Image, finite
from residua.registration.assessment import mutual_information

_SPACING_MM, _REACH_MM = 4.0, 112.0
"""Of the points that are compared, and how far they reach from the middle of the brain: no brain reaches further."""
_FEWEST_POINTS = 5000
"""About 300 ml. Of fewer points, the similarity varies by more than two sides differ."""
_STEP_MM, _STEP_SLOPE = 5.0, 0.1
"""How far a head usually lies and is turned from the middle of space: the unit of the search for its plane."""
_Values = NDArray[np.floating[Any]]


class Sides:
    """The reference (x, y, z) within its brain mask, at points that lie symmetrically about its mid-sagittal plane.

    Both comparisons read the same points between voxels: interpolation blurs neither more than the other.
    """

    def __init__(self, reference: Image, brain: Image) -> None:
        """Find the plane; ``brain`` holds booleans on the grid of ``reference``."""
        share, scan = averaged(brain, _SPACING_MM), _coarse(reference)
        inside = nib.affines.apply_affine(share.grid.affine, np.argwhere(share.data > 0.5))
        self._points: _Values = np.zeros((0, 0, 0, 3))
        if len(inside) >= _FEWEST_POINTS * _SPACING_MM**3 / (1000 * share.grid.voxel_ml):
            self._points = _points(*_plane(scan, share, inside))
        here = _at(share, self._points) > 0.5
        self._compared = here & here[::-1]
        self._reference = _at(scan, self._points)

    def mirrored_gain(self, registered: Image) -> float | None:
        """Return by how many nats of mutual information a scan on the reference's grid fits better mirrored.

        Negative when it fits better as it is; None when too little of the brain has another side.
        """
        if self._compared.sum() < _FEWEST_POINTS:
            return None
        scan = _at(_coarse(registered), self._points)[self._compared]
        given, mirrored = (whole[self._compared] for whole in (self._reference, self._reference[::-1]))
        return mutual_information(mirrored, scan) - mutual_information(given, scan)


def _coarse(image: Image) -> Image:
    # A scan that failed may hold values that are not finite.
    return averaged(finite(image), _SPACING_MM)


def _at(image: Image, points: _Values) -> _Values:
    """Return the values at points of space (..., 3; mm), linearly interpolated; 0 outside the image."""
    voxels = nib.affines.apply_affine(np.linalg.inv(image.grid.affine), points)
    return np.asarray(ndimage.map_coordinates(image.data, np.moveaxis(voxels, -1, 0), order=1))


def _plane(scan: Image, share: Image, inside: _Values) -> tuple[_Values, _Values]:
    """Return a point and the normal of the plane across which the smoothed brain is most like its mirror image."""
    brain = np.where(share.data > 0.5, scan.data, np.float32(0.0))
    smooth = Image(ndimage.gaussian_filter(brain, [_SPACING_MM / mm for mm in scan.grid.spacing_mm]), scan.grid)
    own, middle = _at(smooth, inside), inside.mean(axis=0)

    def place(steps: _Values) -> tuple[_Values, _Values]:
        normal = np.array([1.0, *(_STEP_SLOPE * steps[1:])])
        normal /= np.linalg.norm(normal)
        return middle + _STEP_MM * steps[0] * normal, normal

    def difference(steps: _Values) -> float:
        point, normal = place(steps)
        other = _at(smooth, inside - 2 * ((inside - point) @ normal)[:, None] * normal)
        return -_correlation(own, other)

    return place(optimize.minimize(difference, np.zeros(3), method="Powell", options={"xtol": 0.01, "ftol": 1e-5}).x)


def _correlation(one: _Values, other: _Values) -> float:
    varied = min(float(one.std()), float(other.std())) > 0
    return float(np.corrcoef(one, other)[0, 1]) if varied else 0.0


def _points(point: _Values, normal: _Values) -> _Values:
    """Return a cube of points (n, n, n, 3; mm) around ``point``; reversed along the first axis, it is mirrored."""
    up = np.array([0.0, 0.0, 1.0]) - normal[2] * normal
    up /= np.linalg.norm(up)
    axes = np.stack([normal, np.cross(up, normal), up])
    steps = np.arange(-_REACH_MM + _SPACING_MM / 2, _REACH_MM, _SPACING_MM)
    return np.asarray(point + np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1) @ axes)
