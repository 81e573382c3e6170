"""Bring a moving sequence, or a label drawn on it, to the grid of the reference sequence.

The transform is estimated by one of several engines, on coarser images where the settings say so, and then serves the
full grid. In reproducible mode two runs give the same bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
from scipy import ndimage

from residua.errors import ResiduaError, UnusableScanError
from residua.images import volumes
from residua.images.compact import save_compact
from residua.images.scans import load_scan
from residua.images.volumes import Image, box_around, finite
from residua.problems.problem import PROBLEM, failed
from residua.publishing.publish import write_json
from residua.registration.assessment import assess, mismatch_of
from residua.registration.labels import warp_label
from residua.registration.scratch import require_room
from residua.registration.transforms import (
    TransformFiles,
    keep,
    resample,
    write_matrix,
    write_no_warp,
)
from residua.settings.registration import SequenceRegistration

Estimate = Callable[[Image, Image, Image | None, SequenceRegistration, int, str], list[str]]
"""``estimate`` of a module ``{engine}_engine``: files of the transform of two images, the one applied last first."""

_REMEDY = (
    "check {} and {}, correct the cohort table, or set the patient's role to exclude and run the same command again"
)


def register(
    reference: Path,
    moving: Path,
    settings: SequenceRegistration,
    threads: int,
    out: Path,
    transform: TransformFiles,
    quality: Path,
    patient: str,
    sequence: str,
    resected: Path | None = None,
    warped: Path | None = None,
) -> None:
    """Estimate the transform of ``moving`` to ``reference`` and write the moving image on the reference grid.

    ``resected``, on the grid of ``moving``, labels the tissue that surgery removed; the deformation ignores it
    (cost-function masking; Brett et al. 2001), and ``warped``, if given, receives the label on the reference grid.
    Writes ``out`` (NIfTI, in few grey values), the two parts of ``transform`` (ITK affine and warp field) and
    ``quality`` (JSON, see ``assessment``). ``quality`` also holds the problem of a failed registration (``PROBLEM``):
    an image is empty, no transform was found, or it does not align the images. All files are written nevertheless.
    Raises ``ResiduaError`` when an image cannot be read, the label is on another grid, or memory or disk run out.
    """
    fixed, moved = load_scan(reference), load_scan(moving)
    kept = _kept(resected, moved, settings.resected_margin_mm)
    with tempfile.TemporaryDirectory(prefix="register-") as scratch:
        found, reason = _attempted(fixed, moved, kept, settings, threads, Path(scratch))
        if reason:
            # Values that are not finite would spread over the resampled image.
            fixed, moved = finite(fixed), finite(moved)
        record = assess(fixed, moved, found)
        wrong = ("registration-impossible", reason) if reason else mismatch_of(record, settings)
        keep(found.affine, transform.affine)
        keep(found.warp, transform.warp)
    save_compact(resample(fixed.grid, moved, transform, settings.interpolation), out)
    if resected and warped:
        warp_label(reference, resected, transform, warped)
    problem = wrong and failed(*wrong, _REMEDY.format(moving.name, reference.name), patient, sequence)
    if problem:
        print(problem, flush=True)
    write_json(quality, {PROBLEM: problem and problem.to_json(), **record})


def _attempted(
    fixed: Image, moving: Image, kept: Image | None, settings: SequenceRegistration, threads: int, scratch: Path
) -> tuple[TransformFiles, str | None]:
    """Return the transform and a reason of failure; on failure the transform is the identity."""
    try:
        _require_content(fixed, "the reference")
        _require_content(moving, "the image")
        return _whole(_estimate(fixed, moving, kept, settings, threads, str(scratch)), fixed, scratch), None
    except UnusableScanError as error:
        # Software that cannot write its files finds nothing wrong with the disk, and blames the scans.
        require_room(scratch, fixed.grid.shape)
        return _whole([], fixed, scratch), str(error)


def _estimate(
    fixed: Image, moving: Image, kept: Image | None, settings: SequenceRegistration, threads: int, scratch: str
) -> list[str]:
    if settings.engine == "none":
        return []
    estimate: Estimate = import_module(f"residua.registration.{settings.engine}_engine").estimate
    return estimate(fixed, moving, kept, settings, threads, scratch)


def _whole(files: list[str], fixed: Image, scratch: Path) -> TransformFiles:
    """Return both parts of the transform of an engine; a missing part is the identity."""
    warps = [Path(path) for path in files if path.endswith(".nii.gz")]
    affines = [Path(path) for path in files if path.endswith(".mat")]
    if len(warps) > 1 or len(affines) > 1:
        raise ResiduaError(f"the registration engine must return at most one affine and one warp, found {files}")
    if not affines:
        affines = [scratch / "identity.mat"]
        write_matrix(np.eye(4), affines[0])
    if not warps:
        warps = [scratch / "no_warp.nii.gz"]
        write_no_warp(fixed.grid, warps[0])
    return TransformFiles(affines[0], warps[0])


def _kept(resected: Path | None, moving: Image, margin_mm: float | None) -> Image | None:
    """Return where a moving image is compared: outside the label and ``margin_mm`` around it; None: everywhere."""
    if resected is None or margin_mm is None:
        return None
    label = volumes.load_mask(resected)
    volumes.require_same_grid(label, moving, resected.name)
    if not label.data.any():
        return None
    # Distances need fifty bytes a voxel, and a tumour fills a fraction of its scan.
    box = box_around(label.grid, label.data, margin_mm)
    kept = np.ones(label.grid.shape, dtype=bool)
    kept[box] = ndimage.distance_transform_edt(~label.data[box], sampling=label.grid.spacing_mm) > margin_mm
    return Image(kept, label.grid)


def _require_content(image: Image, what: str) -> None:
    if not np.isfinite(image.data).all():
        raise UnusableScanError(f"{what} holds voxels that are not finite")
    if not np.ptp(image.data) > 0:
        raise UnusableScanError(f"{what} is empty: all its voxels are equal")
