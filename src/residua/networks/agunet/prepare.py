"""Prepare one channel for AGU-Net: cropped to the brain, on the network's spacing, resized to its cube, normalised."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from residua.networks.agunet.prepared import SUFFIX, Origin, resampled_shape, resized, write_channel
from residua.networks.agunet.settings import AGUNetPreparation
from residua.networks.agunet.target import target_grid
from residua.preparation.brain_crop import crop_to_brain
from residua.preparation.cases import ChannelCase
from residua.preparation.region import focus


def prepare(cases: Sequence[ChannelCase], is_label: bool, settings: AGUNetPreparation, out: Path) -> None:
    """Fulfil ``residua.networks.contract.Prepare``; the settings used are spacing and shape.

    The region comes with each case.
    """
    for case in cases:
        _prepare_channel(case, is_label, settings, out / f"{case.patient}{SUFFIX}")


def _prepare_channel(case: ChannelCase, is_label: bool, settings: AGUNetPreparation, out: Path) -> None:
    cropped, _, crop = crop_to_brain(case)
    channel: NDArray[Any] = (cropped > 0.5).astype(np.uint8) if is_label else cropped
    seen = focus(case, crop, partial(target_grid, settings=settings))
    if case.region and not is_label:
        # Over the brain's box, so that a region changes no grey value.
        channel = _normalised(channel)
    channel = channel[seen.block]
    shape = resampled_shape(seen.crop, settings.spacing_mm)
    for step in () if case.sampled else (shape, settings.shape):
        channel = resized(channel, step, is_label)
    done = is_label or case.region
    write_channel(channel if done else _normalised(channel), Origin(seen.crop, shape), out)


def _normalised(cube: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalise to mean 0 and standard deviation 1 over the whole cube, like the authors' code."""
    deviation = float(cube.std())
    return np.asarray((cube - cube.mean()) / (deviation if deviation > 0 else 1.0), dtype=np.float32)
