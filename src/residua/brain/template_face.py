"""The face of a head, found by registering the MNI152 template to it; for a copy of the scan without its face.

The face is what lies in front of and below a plane through the brow, in the template's space. Around the brain, as the
template shows it after the affine and after SyN, a margin stays. A registration that is not surely right gives no face.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ants
import numpy as np
from numpy.typing import NDArray

from residua.brain.face_region import in_front, without_margin
from residua.brain.template import extract_with_affine
from residua.brain.template_head import AFFINE_SPACING_MM, SEED, affine_to, template
from residua.errors import ResiduaError
from residua.images.averaging import averaged
from residua.images.components import Mask
from residua.images.volumes import Image, finite
from residua.registration.ants_engine import estimate
from residua.registration.assessment import LEAST_MUTUAL_INFORMATION, mutual_information
from residua.registration.transforms import matrix_of, to_ants, write_matrix
from residua.settings.registration import Deformation, SequenceRegistration

MARGIN_MM = 10.0
"""Around the brain; no brain that was measured reaches further than 8 mm beyond both of the template's."""
_DISPLACED_MM = 20.0
_LEAST_SIMILARITY, _MOST_DISPLACED = 0.30, 0.62
"""Mutual information (nats) of a scan and the template's head, and its share that may be left after a displacement.

Measured on heads of ten kinds: 0.42 and more, at most 0.58. Turned, mirrored back to front, noise: at most 0.35, and
0.66 and more.
"""
_FRONT, _UP = 1, 2
_MOST_FLIPPED = 0.85
"""Of the similarity of a scan as it is: upside down or back to front, a head has 0.75 of it at most."""
_TURNED = "upside down or back to front: are its axes right?"
_COVERED = 0.99
_RIGID = SequenceRegistration(
    engine="ants",
    transform="rigid",
    metric_bins=32,
    linear_spacing_mm=3.0,
    linear_sampling=0.25,
    scale_tolerance=0.1,
    interpolation="linear",
    reproducible=True,
    seed=SEED,
    deformation=Deformation(
        metric="mattes", working_spacing_mm=3.0, iterations=(0,), update_field_variance=3.0, total_field_variance=0.0
    ),
)
_SCALES = (0.75, 1.4)
_FEWEST_VOXELS = 2000


class NoFaceFoundError(ResiduaError):
    """The template does not surely fit the scan; the message says how it does not."""


@dataclass(frozen=True)
class Face:
    """Which voxels (x, y, z) of a scan are face, and those of the template's brain, which with a margin are not.

    ``to_template`` is the matrix (4x4, RAS+ mm) from the scan to the template.
    """

    region: Mask
    brain: Mask
    to_template: NDArray[np.float64]


def face_of(scan: Image) -> Face:
    """Find the face in a scan of a whole head. Raises ``NoFaceFoundError``, or ``ResiduaError`` as ``extract`` does."""
    head = finite(scan)
    with tempfile.TemporaryDirectory(prefix="face-") as scratch:
        brain, affine = extract_with_affine(head, scratch)
        matrix = matrix_of(Path(affine))
        _require_fit(head, affine, matrix, scratch)
    return _face(scan, brain.data, matrix)


def carried(face: Face, reference: Image, scan: Image) -> Face:
    """Return the face in another scan of the head, by a rigid registration: where it is cut, edges meet.

    Faces that were found one by one end on other planes, and the edges would draw the scans apart when a study
    registers them. Raises ``NoFaceFoundError`` when the scans do not surely show one head.
    """
    fixed, moving = finite(reference), finite(scan)
    with tempfile.TemporaryDirectory(prefix="carried-") as scratch:
        found, files = _aligned(fixed, moving, f"{scratch}/found")
        if found < LEAST_MUTUAL_INFORMATION:
            raise NoFaceFoundError(f"it does not resemble the first scan (mutual information {found:.2f})")
        flipped = max(_aligned(fixed, _flip(moving, axis), f"{scratch}/flipped{axis}")[0] for axis in (_FRONT, _UP))
        if flipped > _MOST_FLIPPED * found:
            raise NoFaceFoundError(f"it fits the first scan as well {_TURNED}")
        to_scan = matrix_of(Path(files[0]))
        brain = ants.apply_transforms(
            to_ants(moving),
            to_ants(Image(face.brain.astype(np.float32), reference.grid)),
            files,
            interpolator="linear",
            whichtoinvert=[True],
        ).numpy()
    return _face(scan, brain > 0.5, face.to_template @ np.linalg.inv(to_scan))


def _face(scan: Image, brain: Mask, to_template: NDArray[np.float64]) -> Face:
    """Return the face by the matrix to the template, whose brain stays too where the other one is not known."""
    with tempfile.TemporaryDirectory(prefix="face-") as scratch:
        file = Path(scratch, "to_template.mat")
        write_matrix(to_template, file)
        straight = ants.apply_transforms(to_ants(scan), template().brain, [str(file)], interpolator="linear")
    both = np.asarray(brain | (straight.numpy() > 0.5))
    return Face(without_margin(in_front(scan.grid, to_template), both, scan.grid, MARGIN_MM), both, to_template)


def _aligned(fixed: Image, moving: Image, scratch: str) -> tuple[float, list[str]]:
    """Return the mutual information (nats) of two scans after a rigid registration, and the files of its transform."""
    os.mkdir(scratch)
    files = estimate(fixed, moving, None, _RIGID, 1, scratch)
    coarse, other = (to_ants(averaged(image, AFFINE_SPACING_MM)) for image in (fixed, moving))
    ones = to_ants(Image(np.ones_like(moving.data), moving.grid))
    there = ants.apply_transforms(coarse, ones, files, interpolator="linear").numpy() > _COVERED
    if there.sum() < _FEWEST_VOXELS:
        return 0.0, files
    warped = ants.apply_transforms(coarse, other, files, interpolator="linear").numpy()
    return mutual_information(coarse.numpy()[there], warped[there]), files


def _flip(image: Image, axis: int) -> Image:
    return Image(np.ascontiguousarray(np.flip(image.data, axis)), image.grid)


def _require_fit(head: Image, affine: str, matrix: NDArray[np.float64], scratch: str) -> None:
    scales = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    if scales.min() < _SCALES[0] or scales.max() > _SCALES[1]:
        shown = ", ".join(f"{scale:.2f}" for scale in sorted(scales))
        raise NoFaceFoundError(f"a head fits it only when its axes are scaled by {shown}")
    coarse = to_ants(averaged(head, AFFINE_SPACING_MM))
    similarity = _similarity(coarse, [affine])
    if similarity < _LEAST_SIMILARITY:
        raise NoFaceFoundError(f"it does not resemble a head (mutual information {similarity:.2f})")
    flipped = max(_flipped(head, axis, scratch) for axis in (_FRONT, _UP))
    if flipped > _MOST_FLIPPED * similarity:
        raise NoFaceFoundError(f"a head fits it as well {_TURNED}")
    displaced = max(_similarity(coarse, [affine, shift]) for shift in _shifts(scratch))
    if displaced > _MOST_DISPLACED * similarity:
        what = f"displaced by {_DISPLACED_MM:.0f} mm, it still resembles it by {displaced / similarity:.0%}"
        raise NoFaceFoundError(f"a head does not fit it well ({what}): is it turned or mirrored?")


def _flipped(head: Image, axis: int, scratch: str) -> float:
    """Return how similar the template's head is to the scan upside down or back to front."""
    turned = _flip(head, axis)
    place = f"{scratch}/flipped{axis}"
    os.mkdir(place)
    return _similarity(to_ants(averaged(turned, AFFINE_SPACING_MM)), [affine_to(turned, place)])


def _similarity(scan: Any, transforms: list[str]) -> float:
    """Return the mutual information (nats) with the template's head, where it is known."""
    shown = template()
    there = ants.apply_transforms(scan, shown.known, transforms, interpolator="nearestNeighbor").numpy() > 0.5
    if there.sum() < _FEWEST_VOXELS:
        return 0.0
    drawn = ants.apply_transforms(scan, shown.head, transforms, interpolator="linear").numpy()
    return mutual_information(scan.numpy()[there], drawn[there])


def _shifts(scratch: str) -> list[str]:
    files = []
    for axis in range(3):
        for sign in (-1, 1):
            shift = [0.0, 0.0, 0.0]
            shift[axis] = sign * _DISPLACED_MM
            moved = ants.create_ants_transform("AffineTransform", matrix=np.eye(3), translation=shift)
            files.append(f"{scratch}/shift{axis}{sign}.mat")
            ants.write_transform(moved, files[-1])
    return files
