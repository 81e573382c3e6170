"""Measure a registration, so that a person can judge it without the images."""

from __future__ import annotations

from typing import Any

import ants
import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from residua.images.averaging import averaged
from residua.images.information import mutual_information_of_counts
from residua.images.volumes import Image
from residua.registration.transforms import TransformFiles, matrix_of, resample
from residua.settings.registration import SequenceRegistration

LEAST_MUTUAL_INFORMATION = 0.1
"""Nats. Two scans of one head share at least three times as much, noise and a head a tenth of it."""
_SPACING_MM = 3.0
"""Similarity is measured on images of this spacing, whatever the scans have, so that patients compare."""
_BINS, _TAILS_PERCENT = 32, (0.5, 99.5)
_REACHED = 0.99
_SHARED = 0.5
"""Of the voxels that the moving image covers after registration: where fewer were covered before, headers are wrong."""


def assess(fixed: Image, moving: Image, transform: TransformFiles) -> dict[str, Any]:
    """Return builtins for JSON: ``mutual_information`` (nats; before: by the headers), ``affine``, ``jacobian``.

    Only voxels that the moving image covers both before and after are compared: its border would otherwise count as
    structure. Where headers place the scans so far apart that little is left, the similarity after registration is
    measured on all voxels that the moving image covers then.
    """
    fixed, moving = averaged(fixed, _SPACING_MM), averaged(moving, _SPACING_MM)
    everywhere = Image(np.ones_like(moving.data), moving.grid)
    first, then = (resample(fixed.grid, everywhere, how, "linear").data > _REACHED for how in (None, transform))
    before, after = (resample(fixed.grid, moving, how, "linear").data for how in (None, transform))
    both = first & then
    compared = both if both.sum() >= _SHARED * then.sum() else then
    return {
        "mutual_information": {
            "before": mutual_information(fixed.data[both], before[both]),
            "after": mutual_information(fixed.data[compared], after[compared]),
        },
        "affine": _parts(matrix_of(transform.affine), fixed),
        "jacobian": _jacobian(transform),
    }


def mutual_information(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the mutual information in nats of two lists of intensities; 0 when they are empty.

    In 32 bins between the 0.5th and 99.5th percentiles of each.
    """
    if not one.size:
        return 0.0
    one, other = (np.clip(values, *np.percentile(values, _TAILS_PERCENT)) for values in (one, other))
    counts, _, _ = np.histogram2d(one, other, bins=_BINS)
    return mutual_information_of_counts(counts)


def mismatch_of(record: dict[str, Any], settings: SequenceRegistration) -> tuple[str, str] | None:
    """Return the check and the reason why the images cannot show one head; None when they can."""
    similarity, scales = record["mutual_information"]["after"], record["affine"]["scales"]
    if similarity < LEAST_MUTUAL_INFORMATION:
        what = f"it does not resemble the reference (mutual information {similarity:.2f} after registration)"
        return "registration-dissimilar", what
    lowest, highest = 1 - settings.scale_tolerance, 1 / (1 - settings.scale_tolerance)
    if min(scales) < lowest or max(scales) > highest:
        shown = ", ".join(f"{scale:.2f}" for scale in sorted(scales))
        what = f"it fits the reference only when its axes are scaled by {shown}: it shows another head or object"
        return "registration-scaled", what
    return None


def _parts(matrix: NDArray[np.float64], fixed: Image) -> dict[str, Any]:
    """Return rotation and scales of the affine (polar decomposition), and the translation of the centre."""
    left, scales, right = np.linalg.svd(matrix[:3, :3])
    turn = left @ right
    centre = fixed.grid.corners_mm().mean(axis=0)
    way = nib.affines.apply_affine(matrix, centre) - centre
    return {
        "rotation_degrees": float(np.degrees(Rotation.from_matrix(turn).magnitude()))
        if np.linalg.det(turn) > 0
        else 180.0,
        "translation_mm": float(np.linalg.norm(way)),
        "scales": [float(scale) for scale in scales],
    }


def _jacobian(transform: TransformFiles) -> dict[str, float]:
    """Return the range of the warp's Jacobian determinant: 1 where volume is kept, 0 and below where space folds."""
    field = ants.image_read(str(transform.warp))
    if min(field.shape) < 3:
        determinant = np.ones(1)
    else:
        grid = ants.split_channels(field)[0]
        determinant = ants.create_jacobian_determinant_image(grid, str(transform.warp)).numpy()
    low, high = np.percentile(determinant, (1, 99))
    return {
        "min": float(determinant.min()),
        "p01": float(low),
        "p99": float(high),
        "max": float(determinant.max()),
        "folded_percent": float(100.0 * np.mean(determinant <= 0)),
    }
