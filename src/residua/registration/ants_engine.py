"""Registration by ANTs (Avants et al. 2011): a rigid, an affine and a symmetric diffeomorphic stage (SyN).

Each stage is optimised on images of its own spacing; the transform serves any grid. With ANTs' default smoothing, SyN
follows noise and structures that only one scan shows (a cavity, blood): points that the affine stage had placed right
move away again. Therefore the total field is smoothed too; see docs/explanation/registration.md.
"""

from __future__ import annotations

from typing import Any

import ants

from residua.errors import UnusableScanError
from residua.images.volumes import Image
from residua.registration.scratch import require_whole
from residua.registration.transforms import error_of, working
from residua.settings.registration import SequenceRegistration

_LINEAR = {"aff_iterations": (100, 50, 20), "aff_shrink_factors": (4, 2, 1), "aff_smoothing_sigmas": (2, 1, 0)}
"""Coarse to fine; ANTs' default begins at a sixth of the resolution and hardly iterates on the last level."""


def estimate(
    fixed: Image, moving: Image, kept: Image | None, settings: SequenceRegistration, threads: int, scratch: str
) -> list[str]:
    """Return the files of the transform in ``scratch``, the one applied last first: a warp (SyN only) and an affine.

    SyN evaluates the moving image only in ``kept``. ``threads`` is not used: ITK takes the job's limit from the
    environment. Raises ``UnusableScanError`` when ANTs finds no transform.
    """
    ants.config.set_ants_deterministic(on=settings.reproducible, seed_value=settings.seed)
    linear = {
        "aff_metric": "mattes",
        "aff_sampling": settings.metric_bins,
        "aff_random_sampling_rate": settings.linear_sampling,
        **_LINEAR,
    }
    pair = [working(image, settings.linear_spacing_mm) for image in (fixed, moving)]
    found = _registered(pair, "Rigid", None, f"{scratch}/rigid", linear)
    if settings.transform != "rigid":
        found = _registered(pair, "Affine", found, f"{scratch}/affine", linear)
    if settings.transform != "SyN":
        return found
    deformation = settings.deformation
    deformable = {
        "syn_metric": deformation.metric,
        "syn_sampling": deformation.radius_voxels if deformation.metric == "CC" else settings.metric_bins,
        "reg_iterations": deformation.iterations,
        "flow_sigma": deformation.update_field_variance,
        "total_sigma": deformation.total_field_variance,
    }
    if kept is not None:
        deformable |= {"moving_mask": working(kept, None), "mask_all_stages": True}
    pair = [working(image, deformation.working_spacing_mm) for image in (fixed, moving)]
    return _registered(pair, "SyNOnly", found, f"{scratch}/syn", deformable)


def _registered(
    pair: list[ants.ANTsImage], kind: str, begun: list[str] | None, prefix: str, how: dict[str, Any]
) -> list[str]:
    try:
        found = ants.registration(*pair, type_of_transform=kind, initial_transform=begun, outprefix=prefix, **how)
    except RuntimeError as error:
        raise error_of("ANTs", error) from error
    transforms = (found or {}).get("fwdtransforms")
    if not transforms:
        raise UnusableScanError("ANTs returned no transform; do both images show the same head?")
    require_whole(transforms, "ANTs")
    return list(transforms)
