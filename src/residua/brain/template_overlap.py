"""Compare a brain mask with the brain of the MNI152 template."""

from __future__ import annotations

import tempfile

import ants

from residua.brain.template_head import AFFINE_SPACING_MM, SEED, affine_to, template
from residua.images.averaging import averaged
from residua.images.volumes import Image
from residua.metrics.overlap import dice_of
from residua.registration.transforms import to_ants


def template_overlap(reference: Image, mask: Image) -> float:
    """Return the Dice (0-1) of a brain mask with the template's, registered to ``reference`` by an affine.

    Both on the grid of ``reference`` (x, y, z), but compared at about 4 mm: what counts is whether the mask lies where
    a brain can be. NaN when both are empty. Raises ``ResiduaError`` when ANTs finds no transform.
    """
    ants.config.set_ants_deterministic(on=True, seed_value=SEED)
    coarse = averaged(mask, AFFINE_SPACING_MM)
    with tempfile.TemporaryDirectory(prefix="template-") as scratch:
        brain = ants.apply_transforms(to_ants(coarse), template().brain, [affine_to(reference, scratch)]).numpy() > 0.5
    given = coarse.data > 0.5
    return dice_of(int((brain & given).sum()), int(brain.sum()), int(given.sum()))
