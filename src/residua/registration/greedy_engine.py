"""Registration by Greedy (Yushkevich et al. 2016): rigid, affine and greedy diffeomorphic stages, faster than SyN."""

from __future__ import annotations

from pathlib import Path

import ants
import numpy as np
from picsl_greedy import Greedy3D

from residua.errors import UnusableScanError
from residua.images.volumes import LPS, Image
from residua.registration.scratch import require_whole
from residua.registration.transforms import error_of, working, write_matrix
from residua.settings.registration import SequenceRegistration

_RIGID_ITERATIONS, _AFFINE_ITERATIONS = "500x250x100", "100x50"
"""Coarse to fine. On a coarser third level the affine stage finds scales of ten, as few voxels overlap there."""
_PRECISION = "-wp 0.01"
"""Voxels to which the field is rounded on disk; Greedy's own is a tenth."""
_METRIC = "NMI"
"""Normalised mutual information: works across contrasts, as ANTs' metric does."""


def estimate(
    fixed: Image, moving: Image, kept: Image | None, settings: SequenceRegistration, threads: int, scratch: str
) -> list[str]:
    """Return the files of the transform in ``scratch``, applied last first: a warp (diffeomorphic) and an affine.

    ``kept`` is not used: Greedy's field contracts where nothing guides it. Raises ``UnusableScanError`` when Greedy
    finds no transform.
    """
    images = _written(fixed, moving, settings.linear_spacing_mm, f"{scratch}/linear")
    start = _start(images, f"{scratch}/start.txt")
    # The places of samples are random; a seed of 0 would differ each time.
    seed = f"-seed {max(settings.seed, 1)}" if settings.reproducible else ""
    common = f"-d 3 -V 0 -threads {threads} -float {seed}"
    rigid, affine, warp = (f"{scratch}/{name}" for name in ("rigid.txt", "affine.txt", "warp.nii.gz"))
    linear = f"{common} -m {_METRIC} -a -i {' '.join(images)}"
    _run(f"{linear} -dof 6 -n {_RIGID_ITERATIONS} -ia {start} -o {rigid}", rigid)
    if settings.transform != "rigid":
        _run(f"{linear} -dof 12 -n {_AFFINE_ITERATIONS} -ia {rigid} -o {affine}", affine)
    last = rigid if settings.transform == "rigid" else affine
    write_matrix(np.loadtxt(last), Path(scratch) / "linear.mat")
    if settings.transform != "diffeomorphic":
        return [f"{scratch}/linear.mat"]
    deformation = settings.deformation
    images = _written(fixed, moving, deformation.working_spacing_mm, f"{scratch}/working")
    smoothing = f"-s {deformation.update_field_variance**0.5:.4f}vox {deformation.total_field_variance**0.5:.4f}vox"
    levels = "x".join(str(iterations) for iterations in deformation.iterations)
    metric = _METRIC if deformation.metric == "mattes" else f"NCC {'x'.join([str(deformation.radius_voxels)] * 3)}"
    _run(f"{common} -m {metric} -i {' '.join(images)} -it {last} -n {levels} {smoothing} {_PRECISION} -o {warp}", warp)
    return [warp, f"{scratch}/linear.mat"]


def _written(fixed: Image, moving: Image, spacing_mm: float | None, prefix: str) -> list[str]:
    names = [f"{prefix}_{name}.nii" for name in ("fixed", "moving")]
    for image, name in zip((fixed, moving), names, strict=True):
        ants.image_write(working(image, spacing_mm), name)
    require_whole(names, "ANTs")
    return names


def _start(images: list[str], start: str) -> str:
    """Write the shift between the centres of mass, from which ANTs begins, too.

    A head lies anywhere in its scan, and a header may place the scan anywhere in space.
    """
    fixed, moving = (ants.get_center_of_mass(ants.image_read(name)) for name in images)
    matrix = np.eye(4)
    # To a micrometre: the order in which voxels are added up must not lead elsewhere.
    matrix[:3, 3] = np.round(LPS[:3, :3] @ np.subtract(moving, fixed), 3)
    np.savetxt(start, matrix)
    return start


def _run(command: str, result: str) -> None:
    try:
        Greedy3D().execute(command)
    except Exception as error:
        raise error_of("Greedy", error) from error
    if not Path(result).is_file():
        raise UnusableScanError("Greedy returned no transform; do both images show the same head?")
    require_whole([result], "Greedy")
