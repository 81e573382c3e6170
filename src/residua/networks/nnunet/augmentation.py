"""Change nnU-Net's augmentation: leave out steps, and keep a label among the channels a label.

nnU-Net does the latter with the segmentation of a cascade's previous stage: such a label moves with the reference
standard, by the same rule, and joins the images after all changes of intensity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import GaussianBlurTransform
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from batchgeneratorsv2.transforms.utils.random import RandomTransform
from batchgeneratorsv2.transforms.utils.remove_label import RemoveLabelTransform

_IMAGE, _REFERENCE = "image", "segmentation"


def without_low_resolution(transforms: ComposeTransforms) -> ComposeTransforms:
    """Return nnU-Net's ``transforms`` without the simulation of low resolution."""
    steps = transforms.transforms
    return ComposeTransforms([step for step in steps if not isinstance(_inner(step), SimulateLowResolutionTransform)])


def _inner(step: BasicTransform) -> BasicTransform:
    return step.transform if isinstance(step, RandomTransform) else step


def with_labels_apart(transforms: ComposeTransforms, is_label: Sequence[bool]) -> ComposeTransforms:
    """Return nnU-Net's ``transforms``, which then see only the images among the channels; labels go beside them.

    They must end with the removal of -1, which is outside the brain, from the reference standard.
    """
    steps = list(transforms.transforms)
    end = next(number for number, step in enumerate(steps) if isinstance(step, RemoveLabelTransform))
    return ComposeTransforms([LabelsApart(is_label), *steps[:end], _LabelsBack(is_label), *steps[end:]])


def without_stopwatch(transforms: ComposeTransforms) -> ComposeTransforms:
    """Return ``transforms`` themselves, changed: they no longer choose by a stopwatch between two ways to blur.

    The last digits of the two differ, and a training that goes on in another process may choose otherwise.
    """
    for step in transforms.transforms:
        blur = getattr(step, "transform", None)
        if isinstance(blur, GaussianBlurTransform):
            blur.benchmark = False
    return transforms


class LabelsApart(BasicTransform):  # type: ignore[misc]
    """Move the labels among the channels behind the reference standard."""

    def __init__(self, is_label: Sequence[bool]) -> None:
        """Take whether each channel is a label."""
        super().__init__()
        self._label = torch.tensor(is_label)

    def apply(self, data_dict: dict[str, Any], **params: Any) -> dict[str, Any]:
        """Fulfil batchgeneratorsv2's transform."""
        channels, reference = data_dict[_IMAGE], data_dict[_REFERENCE]
        data_dict[_REFERENCE] = torch.cat((reference, channels[self._label].to(reference.dtype)))
        images = channels[~self._label]
        # nnU-Net's steps need at least one image.
        data_dict[_IMAGE] = images if len(images) else torch.zeros_like(channels[:1])
        return data_dict


class _LabelsBack(BasicTransform):  # type: ignore[misc]
    """Move the labels back into their places among the channels, empty outside the brain."""

    def __init__(self, is_label: Sequence[bool]) -> None:
        super().__init__()
        self._label = torch.tensor(is_label)

    def apply(self, data_dict: dict[str, Any], **params: Any) -> dict[str, Any]:
        images, count = data_dict[_IMAGE], int(self._label.sum())
        reference, labels = data_dict[_REFERENCE][:-count], data_dict[_REFERENCE][-count:]
        channels = images.new_empty((len(self._label), *images.shape[1:]))
        channels[~self._label] = images[: len(self._label) - count]
        channels[self._label] = ((labels == 1) & (reference[:1] >= 0)).to(images.dtype)
        data_dict[_IMAGE], data_dict[_REFERENCE] = channels, reference
        return data_dict
