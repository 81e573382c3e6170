"""Leave channels out of nnU-Net's training samples, as the last step of the augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

from residua.networks.cases import Channel
from residua.networks.dropout import dropped


def with_dropout(transforms: ComposeTransforms, channels: Sequence[Channel]) -> ComposeTransforms:
    """Return ``transforms``, after which a sample lacks some of the ``channels``."""
    return ComposeTransforms([*transforms.transforms, _Dropout(channels)])


class _Dropout(BasicTransform):  # type: ignore[misc]
    """Set the channels that a sample lacks to zero."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        super().__init__()
        self._channels = tuple(channels)

    def apply(self, data_dict: dict[str, Any], **params: Any) -> dict[str, Any]:
        draws: list[float] = torch.rand(len(self._channels)).tolist()
        data_dict["image"][dropped(self._channels, draws)] = 0
        return data_dict
