"""Prepare one channel for nnU-Net: cropped to the brain, normalised within it, on the network's spacing.

A region is cut out of the normalised brain.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from nnunetv2.preprocessing.normalization.default_normalization_schemes import ZScoreNormalization
from nnunetv2.preprocessing.resampling.default_resampling import resample_data_or_seg_to_shape
from numpy.typing import NDArray

from residua.networks.nnunet.prepared import OUTSIDE, SUFFIX, write_channel
from residua.networks.nnunet.resampling import RESAMPLING_OF_IMAGES, RESAMPLING_OF_LABELS, zyx
from residua.networks.nnunet.settings import NnUNetPreparation
from residua.networks.nnunet.target import target_grid
from residua.preparation.brain_crop import crop_to_brain
from residua.preparation.cases import ChannelCase
from residua.preparation.region import focus


def prepare(cases: Sequence[ChannelCase], is_label: bool, settings: NnUNetPreparation, out: Path) -> None:
    """Fulfil ``residua.networks.contract.Prepare``; the settings used are spacing and patch size.

    The region comes with each case.
    """
    for case in cases:
        _prepare_channel(case, is_label, settings, out / f"{case.patient}{SUFFIX}")


def _prepare_channel(case: ChannelCase, is_label: bool, settings: NnUNetPreparation, out: Path) -> None:
    cropped, brain, crop = crop_to_brain(case)
    spacing, wanted = zyx(crop.grid.spacing_mm), zyx(settings.spacing_mm)
    seen = focus(case, crop, partial(target_grid, settings=settings))
    shape = zyx(target_grid(seen.crop, settings).shape)
    if is_label:
        channel: NDArray[Any] = np.where(cropped > 0.5, 1, np.where(brain, 0, OUTSIDE)).astype(np.int8)
        channel = channel.transpose(2, 1, 0)
    else:
        channel = _normalised(cropped.transpose(2, 1, 0), brain.transpose(2, 1, 0))
    resampling = RESAMPLING_OF_LABELS if is_label else RESAMPLING_OF_IMAGES
    channel = channel[seen.block[::-1]]
    # Returns a channel of this shape unchanged, which was sampled on the target grid.
    prepared = resample_data_or_seg_to_shape(channel[None], shape, spacing, wanted, **resampling)
    write_channel(prepared.astype(channel.dtype), seen.crop, zyx(seen.crop.shape), zyx(settings.patch_size), out)


def _normalised(image: NDArray[np.float32], brain: NDArray[np.bool_]) -> NDArray[np.float32]:
    outside = np.where(brain, 0, OUTSIDE)
    scheme = ZScoreNormalization(use_mask_for_norm=True, intensityproperties={})
    return np.asarray(scheme.run(image.copy(), outside), dtype=np.float32)
