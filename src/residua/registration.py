"""Bring a moving sequence, or a label drawn on it, to the grid of the reference sequence.

The transform is estimated by ANTs (Avants et al. 2011) in its reproducible mode: one thread, a fixed seed. Two runs
give the same bits. It may be optimised on coarser images; the transform then serves the full grid.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import ants
import nibabel as nib
import numpy as np

from residua import images
from residua.errors import ResiduaError
from residua.images import Grid, Image
from residua.publish import write_json, writing
from residua.study import Registration

LABEL_INTERPOLATION = "genericLabel"
"""ANTs' interpolation of labels: each label's share linearly, then the greatest."""

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class TransformFiles:
    """The two parts of a transform: moving to reference is the affine first, then the warp."""

    affine: Path
    warp: Path

    @property
    def in_order(self) -> list[str]:
        """As ``ants.apply_transforms`` wants them: the last applied first."""
        return [str(self.warp), str(self.affine)]


def to_ants(image: Image) -> ants.ANTsImage:
    """The same voxels as an ANTs image (LPS world, float32)."""
    affine = _LPS @ image.grid.affine
    spacing = nib.affines.voxel_sizes(affine)
    return ants.from_numpy(
        np.ascontiguousarray(image.data, dtype=np.float32),
        origin=affine[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=affine[:3, :3] / spacing,
    )


def register(
    reference: Path, moving: Path, settings: Registration, out: Path, transform: TransformFiles, quality: Path
) -> None:
    """Estimate the transform of ``moving`` to ``reference`` and write the moving image on the reference grid.

    Writes ``out`` (NIfTI), the two parts of ``transform`` (ITK affine and warp field) and ``quality`` (JSON: mutual
    information before and after). Raises ``ResiduaError`` when an image cannot be read or ANTs finds no transform.
    """
    ants.config.set_ants_deterministic(on=True, seed_value=settings.seed)
    fixed, moved = images.load(reference), images.load(moving)
    with tempfile.TemporaryDirectory(prefix="register-") as scratch:
        found = _estimate(_working(fixed, settings), _working(moved, settings), settings, scratch)
        _keep(found, transform)
    warped = resample(fixed.grid, moved, transform, settings.interpolation)
    before = resample(fixed.grid, moved, None, settings.interpolation)
    write_json(
        quality, {"mutual_information": {"before": _agreement(fixed, before), "after": _agreement(fixed, warped)}}
    )
    images.save(warped, out)


def warp_label(reference: Path, label: Path, transform: TransformFiles, out: Path) -> None:
    """Write a label, drawn on the moving sequence, on the grid of ``reference`` through a known transform."""
    moved = images.load_mask(label)
    warped = resample(images.load_grid(reference), moved, transform, LABEL_INTERPOLATION)
    images.save(Image(warped.data > 0.5, warped.grid), out)


def _working(image: Image, settings: Registration) -> ants.ANTsImage:
    full = to_ants(image)
    spacing = settings.working_spacing_mm
    if spacing is None or min(full.spacing) >= spacing:
        return full
    return ants.resample_image(full, [max(spacing, size) for size in full.spacing], use_voxels=False, interp_type=0)


def _estimate(
    fixed: ants.ANTsImage, moving: ants.ANTsImage, settings: Registration, scratch: str
) -> dict[str, list[str]]:
    try:
        found = ants.registration(
            fixed,
            moving,
            type_of_transform=settings.transform,
            aff_metric=settings.metric,
            syn_metric=settings.metric,
            aff_sampling=settings.metric_bins,
            syn_sampling=settings.metric_bins,
            reg_iterations=settings.iterations,
            outprefix=f"{scratch}/transform",
        )
    except RuntimeError as error:
        raise ResiduaError(f"ANTs could not register the images: {error}") from error
    if not found or not found.get("fwdtransforms"):
        raise ResiduaError("ANTs returned no transform; do both images show the same head?")
    return dict(found)


def _keep(found: dict[str, list[str]], transform: TransformFiles) -> None:
    warps = [path for path in found["fwdtransforms"] if path.endswith(".nii.gz")]
    affines = [path for path in found["fwdtransforms"] if path.endswith(".mat")]
    if len(warps) != 1 or len(affines) != 1:
        raise ResiduaError(f"expected one affine and one warp from ANTs, found {found['fwdtransforms']}")
    for source, target in ((affines[0], transform.affine), (warps[0], transform.warp)):
        with writing(target) as beside:
            shutil.copyfile(source, beside)


def resample(grid: Grid, moving: Image, transform: TransformFiles | None, interpolation: str) -> Image:
    """``moving`` on ``grid`` (x, y, z; float32) by one interpolation, zero where it does not reach.

    ``transform`` leads from the moving image to the space in which ``grid`` lies; None: they share one.
    """
    warped = ants.apply_transforms(
        to_ants(Image(np.zeros(grid.shape, np.float32), grid)),
        to_ants(moving),
        transformlist=transform.in_order if transform else [],
        interpolator=interpolation,
    )
    return Image(warped.numpy().astype(np.float32), grid)


def _agreement(fixed: Image, other: Image) -> float:
    # ANTs reports mutual information as a cost: lower is better there, higher is better here.
    return -float(ants.image_mutual_information(to_ants(fixed), to_ants(other)))
