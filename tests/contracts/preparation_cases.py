"""Small patients for tests of preparation: known functions of space on awkward grids, each stored in several ways."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel import orientations
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.agunet.settings import AGUNetPreparation
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.settings.base import Frozen

Voxels = NDArray[Any]

NETWORKS: dict[str, Frozen] = {
    "nnunet": NnUNetPreparation(spacing_mm=(1.7, 2.2, 2.0), patch_size=(16, 16, 16)),
    "agunet": AGUNetPreparation(spacing_mm=(2.0, 2.0, 2.0), shape=(28, 32, 26)),
}
"""Preparation settings by network; some axes become finer and some coarser."""
CHANNELS = {"reference": False, "moving": False, "ramp": False, "residual": True, "moving_label": True}
"""Whether a channel holds a label. What begins with ``moving`` has a grid and a place of its own."""
SLOPE = 0.25
"""Grey values are multiples of it, so that a scaled integer holds what a float holds."""
RADIUS_MM = 15.0


@dataclass(frozen=True)
class Subject:
    """One head on one reference and one moving grid. A ``boxed`` brain has no edge that interpolation could smear."""

    name: str
    reference: Grid
    moving: Grid
    boxed: bool


@dataclass(frozen=True)
class Storing:
    """How a file stores a volume: the order of its axes and the type of its voxels."""

    codes: str
    dtype: str
    scaled: bool = False

    @property
    def name(self) -> str:
        """Letters and digits."""
        return f"{self.codes}{self.dtype}{'scaled' if self.scaled else ''}"


STORINGS = (
    Storing("RAS", "float32"),
    Storing("LAS", "float64"),
    Storing("LPS", "int16", scaled=True),
    Storing("PSR", "float32"),
    Storing("ILA", "uint16", scaled=True),
)


def _grid(shape: tuple[int, int, int], spacing_mm: tuple[float, ...], degrees: tuple[float, ...]) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(spacing_mm)
    affine[:3, 3] = np.array([3.0, -7.0, 11.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return Grid(shape, affine)


SUBJECTS = (
    Subject(
        "box",
        _grid((42, 40, 36), (2.0, 1.9, 2.4), (0, 0, 0)),
        _grid((50, 44, 24), (1.8, 2.0, 4.0), (5, 0, 0)),
        boxed=True,
    ),
    Subject(
        "oblique",
        _grid((44, 42, 40), (1.6, 2.0, 2.1), (17, -9, 6)),
        _grid((48, 46, 60), (1.7, 2.2, 1.6), (0, 0, 0)),
        boxed=False,
    ),
    Subject(
        "thick",
        _grid((42, 36, 17), (2.4, 2.6, 7.2), (-12, 0, 8)),
        _grid((30, 31, 40), (5.0, 5.0, 3.1), (0, 20, 0)),
        boxed=False,
    ),
)


def place(grid: Grid) -> NDArray[np.float64]:
    """World coordinates (3, x, y, z; mm) of a grid's voxel centres."""
    return np.moveaxis(nib.affines.apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)


def ramp(at: Voxels) -> Voxels:
    """x + 2y + 3z."""
    return at[0] + 2 * at[1] + 3 * at[2]


def waves(at: Voxels) -> Voxels:
    """A picture without detail that a voxel of these grids could not show: the shortest wave is 45 mm long."""
    x, y, z = at
    return np.sin(x / 7.2) + np.sin(y / 9.0 + 1) + np.cos(z / 8.0) + np.sin((x + y - z) / 15.0)


def ball(at: Voxels) -> Voxels:
    """A ball of ``RADIUS_MM`` beside the centre."""
    return ((at - np.array([6.0, -2.0, 8.0]).reshape(3, 1, 1, 1)) ** 2).sum(axis=0) < RADIUS_MM**2


def brain_of(subject: Subject) -> NDArray[np.bool_]:
    """A box, or an ellipsoid, in the middle of the reference grid."""
    if subject.boxed:
        brain = np.zeros(subject.reference.shape, bool)
        brain[4:-5, 5:-4, 4:-4] = True
        return brain
    size = np.reshape(subject.reference.shape, (3, 1, 1, 1))
    from_centre = (np.indices(subject.reference.shape) + 0.5) / size * 2 - 1
    return np.asarray((from_centre**2).sum(axis=0) < 0.85**2)


def movement() -> NDArray[np.float64]:
    """From the reference to the moving scan (RAS+ mm)."""
    found = np.eye(4)
    found[:3, :3] = Rotation.from_euler("xyz", [4, -3, 5], degrees=True).as_matrix()
    found[:3, 3] = (3.0, -2.0, 1.5)
    return found


def _stored(voxels: Voxels, grid: Grid, storing: Storing, path: Path) -> None:
    """Write RAS+ voxels through nibabel alone, in the order and type that ``storing`` says."""
    ras, stored = (orientations.axcodes2ornt(tuple(codes)) for codes in ("RAS", storing.codes))
    change = orientations.ornt_transform(ras, stored)
    affine = grid.affine @ orientations.inv_ornt_aff(change, grid.shape)
    turned = orientations.apply_orientation(voxels, change)
    raw = np.rint(turned / SLOPE) if storing.scaled else turned
    file = nib.Nifti1Image(raw.astype(storing.dtype), affine)
    if storing.scaled:
        file.header.set_slope_inter(SLOPE, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(file, path)


def _grey(picture: Voxels) -> Voxels:
    return np.rint((picture * 100 + 600) / SLOPE) * SLOPE


def write_subject(subject: Subject, storing: Storing, folder: Path) -> None:
    """All channels and the brain mask of a subject, stored in one way."""
    moved = place(subject.moving)
    inverse = np.linalg.inv(movement())
    moved = np.einsum("ij,jxyz->ixyz", inverse[:3, :3], moved) + inverse[:3, 3].reshape(3, 1, 1, 1)
    still, moving = place(subject.reference), subject.moving
    for name, voxels, grid in (
        ("reference", _grey(waves(still)), subject.reference),
        ("residual", ball(still), subject.reference),
        ("brain", brain_of(subject), subject.reference),
        ("moving", _grey(waves(moved)), moving),
        ("moving_label", ball(moved), moving),
    ):
        _stored(voxels, grid, storing, folder / f"{name}.nii.gz")
    # Not rounded to grey values, which would hide a thousandth.
    volumes.save(Image((ramp(still) + 1000).astype(np.float64), subject.reference), folder / "ramp.nii.gz")


def names() -> list[str]:
    """A name for every subject and way of storing it."""
    return [f"{subject.name}-{storing.name}" for subject in SUBJECTS for storing in STORINGS]


def write_all(folder: Path) -> None:
    """Every subject in every way of storing it, a folder each."""
    for subject in SUBJECTS:
        for storing in STORINGS:
            write_subject(subject, storing, folder / f"{subject.name}-{storing.name}")
