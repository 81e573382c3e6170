"""The brain of the MNI152 template, registered to a head by ANTs: needs no trained network.

Everything runs in ANTs' reproducible mode: two runs give the same bits.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

import ants

from residua.brain.template_head import DRAWN_SPACING_MM, SEED, affine_to, registered, template
from residua.images.averaging import averaged
from residua.images.components import solid
from residua.images.volumes import Image
from residua.registration.transforms import to_ants
from residua.settings.brain_mask import BrainMask

_SYN_ITERATIONS = (40, 20, 0)


def load(settings: BrainMask) -> Callable[[Image], Image]:
    """Return the extractor; it has no settings."""
    return extract


def extract(head: Image) -> Image:
    """Extract the brain of a whole head (x, y, z) as booleans on the same grid: affine, then SyN on images of 3 mm.

    The template's mask comes through the transform with linear interpolation; above 0.5, in one piece without holes.
    Raises ``UnusableScanError`` when ANTs finds no transform.
    """
    with tempfile.TemporaryDirectory(prefix="template-") as scratch:
        return extract_with_affine(head, scratch)[0]


def extract_with_affine(head: Image, scratch: str) -> tuple[Image, str]:
    """Return the brain as ``extract`` does, and the file of the affine in the folder ``scratch``."""
    ants.config.set_ants_deterministic(on=True, seed_value=SEED)
    affine = affine_to(head, scratch)
    found = registered(
        to_ants(averaged(head, DRAWN_SPACING_MM)),
        type_of_transform="SyNOnly",
        initial_transform=[affine],
        reg_iterations=_SYN_ITERATIONS,
        outprefix=f"{scratch}/syn",
    )
    return _brain_on(head, found["fwdtransforms"]), affine


def _brain_on(head: Image, transforms: list[str]) -> Image:
    warped = ants.apply_transforms(to_ants(head), template().brain, transforms, interpolator="linear")
    return Image(solid(warped.numpy()), head.grid)
