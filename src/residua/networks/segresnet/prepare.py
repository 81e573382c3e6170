"""Prepare one channel for SegResNet: cropped to the brain, normalised within it, on the network's spacing.

A region is cut out of the normalised brain.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.networks.segresnet.framework import set_up
from residua.networks.segresnet.prepared import SUFFIX, write_channel
from residua.networks.segresnet.resampling import resized
from residua.networks.segresnet.settings import SegResNetPreparation
from residua.networks.segresnet.target import target_grid
from residua.preparation.brain_crop import crop_to_brain
from residua.preparation.cases import ChannelCase
from residua.preparation.region import focus


def prepare(cases: Sequence[ChannelCase], is_label: bool, settings: SegResNetPreparation, out: Path) -> None:
    """Fulfil ``residua.networks.contract.Prepare``; the region comes with each case."""
    set_up()
    for case in cases:
        cropped, brain, crop = crop_to_brain(case)
        channel = (cropped > 0.5).astype(np.uint8) if is_label else _normalised(cropped, brain)
        seen = focus(case, crop, partial(target_grid, settings=settings))
        # A channel that was sampled has this shape already.
        shape = target_grid(seen.crop, settings).shape
        write_channel(resized(channel[seen.block], shape, is_label), seen.crop, out / f"{case.patient}{SUFFIX}")


def _normalised(image: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the image with mean 0 and standard deviation 1 in the brain, and 0 outside of it."""
    values = image[brain]
    deviation = float(values.std())
    return np.where(brain, (image - values.mean()) / (deviation if deviation > 0 else 1.0), 0.0).astype(np.float32)
