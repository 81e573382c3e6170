"""The brain of a scan that was stripped elsewhere: all that its background surrounds, so that no tumour is lost."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from residua.images.background import body_of
from residua.images.volumes import Image
from residua.settings.brain_mask import BrainMask


def load(settings: BrainMask) -> Callable[[Image], Image]:
    """Return the extractor; it has no settings."""
    return extract


def extract(scan: Image) -> Image:
    """Return what is not background in a stripped scan (x, y, z) as booleans on its grid, closed and its holes filled.

    Empty for a scan that was not stripped: no constant surrounds its brain.
    """
    body = body_of(scan)
    return Image(np.zeros_like(body) if body.all() else body, scan.grid)
