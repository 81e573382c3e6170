"""Vary a training patch as MONAI's Auto3DSeg does by default; a label among the channels stays a label.

Images are interpolated linearly and change their intensity. Labels move with them by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from monai.transforms import (
    Compose,
    RandAffined,
    RandFlipd,
    RandGaussianNoised,
    RandGaussianSmoothd,
    RandScaleIntensityd,
    RandShiftIntensityd,
)
from numpy.typing import NDArray

from residua.networks.segresnet.settings import SegResNetSettings

_IMAGES, _LABELS = "images", "labels"
_BLUR = (0.5, 1.0)


class PatchVariation:
    """The augmentation of a training, for channels of which some are labels."""

    def __init__(self, settings: SegResNetSettings, is_label: Sequence[bool]) -> None:
        """Set up MONAI's transforms."""
        self._label = np.array(is_label)
        mirrored = () if settings.augmentation == "auto3dseg_without_mirroring" else (0, 1, 2)
        # All probabilities and ranges are Auto3DSeg's (segmenter.py of its template segresnet, augment_mode "default").
        self.steps = Compose(
            [
                RandAffined(
                    keys=(_IMAGES, _LABELS),
                    prob=0.2,
                    rotate_range=(0.26,) * 3,
                    scale_range=(0.2,) * 3,
                    mode=("bilinear", "nearest"),
                    spatial_size=settings.patch_size,
                    cache_grid=True,
                    padding_mode="border",
                ),
                RandGaussianSmoothd(keys=_IMAGES, prob=0.2, sigma_x=_BLUR, sigma_y=_BLUR, sigma_z=_BLUR),
                RandScaleIntensityd(keys=_IMAGES, prob=0.5, factors=0.3),
                RandShiftIntensityd(keys=_IMAGES, prob=0.5, offsets=0.1),
                RandGaussianNoised(keys=_IMAGES, prob=0.2, mean=0.0, std=0.1),
                *(RandFlipd(keys=(_IMAGES, _LABELS), prob=0.5, spatial_axis=axis) for axis in mirrored),
            ]
        )

    def __call__(
        self, channels: NDArray[np.float32], reference: NDArray[np.float32], seed: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return channels and reference standard (channels or 1, x, y, z) after a variation drawn by ``seed``."""
        images = torch.from_numpy(channels[~self._label])
        # MONAI's steps need at least one image.
        given = {
            _IMAGES: images if len(images) else torch.zeros(1, *channels.shape[1:]),
            _LABELS: torch.from_numpy(np.concatenate([reference, channels[self._label]])),
        }
        made = self.steps.set_random_state(seed)(given)
        varied = torch.empty(channels.shape)
        varied[~self._label] = made[_IMAGES][: len(images)]
        varied[self._label] = made[_LABELS][1:]
        return varied, made[_LABELS][:1]
