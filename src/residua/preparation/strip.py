"""Skull stripping: a channel without everything outside the brain mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from residua.errors import ResiduaError
from residua.images import volumes
from residua.images.scans import load_scan
from residua.images.volumes import Image
from residua.preparation.cases import ChannelCase


def strip(case: ChannelCase, out: Path) -> None:
    """Write the channel with everything outside the brain mask set to zero."""
    strip_image(load_scan(case.channel), case, out)


def strip_image(head: Image, case: ChannelCase, out: Path) -> None:
    """Write ``head``, the channel of ``case`` on the reference grid, with zeros outside the brain mask."""
    mask = volumes.load_mask(case.brain)
    volumes.require_same_grid(head, mask, str(case.channel))
    if not np.isfinite(head.data[mask.data]).all():
        raise ResiduaError(
            f"patient {case.patient}: {case.channel} has NaN or infinite voxels in the brain; convert it again"
        )
    volumes.save(Image(np.where(mask.data, head.data, np.float32(0)), head.grid), out)
