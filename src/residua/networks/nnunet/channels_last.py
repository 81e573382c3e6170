"""Let a trained nnU-Net keep the channels of a voxel next to each other from layer to layer.

PyTorch convolves faster so on a processor, but its own normalisation of such volumes is slow, or loses digits.
"""

from __future__ import annotations

import torch
from dynamic_network_architectures.building_blocks.simple_conv_blocks import (
    ConvDropoutNormReLU,
)
from torch import nn

CHANNELS_LAST = torch.channels_last_3d
_PART = 2**18
"""Values that are normalised together: few enough to stay in the processor's cache from one step to the next."""


def with_channels_last(network: nn.Module) -> nn.Module:
    """Return the network itself, changed: from now on it predicts only."""
    for block in network.modules():
        if isinstance(block, ConvDropoutNormReLU):
            block.all_modules = _joined(list(block.all_modules))
    return network.eval().requires_grad_(False).to(memory_format=CHANNELS_LAST)


def _joined(layers: list[nn.Module]) -> nn.Sequential:
    *before, norm, activation = layers
    if isinstance(norm, nn.InstanceNorm3d) and isinstance(activation, nn.LeakyReLU):
        return nn.Sequential(*before, NormThenLeakyReLU(norm, activation))
    if isinstance(activation, nn.InstanceNorm3d):
        # The end of a residual block, whose activation follows the sum with what passed it by.
        return nn.Sequential(*before, norm, NormThenLeakyReLU(activation, None))
    return nn.Sequential(*layers)


class NormThenLeakyReLU(nn.Module):  # type: ignore[misc]
    """An affine ``InstanceNorm3d`` and any ``LeakyReLU`` behind it, in place and in two passes over the voxels."""

    def __init__(self, norm: nn.InstanceNorm3d, activation: nn.LeakyReLU | None) -> None:
        """Share the parameters of the layers."""
        super().__init__()
        self._norm, self._slope = norm, activation.negative_slope if activation else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``x`` (batch, channels, z, y, x), normalised and activated."""
        x = x.contiguous(memory_format=CHANNELS_LAST)
        channels = x.shape[1]
        for sample in x:
            parts = sample.movedim(0, -1).view(-1, channels).split(max(1, _PART // channels))
            scale, shift = self._scale_and_shift(parts)
            for part in parts:
                torch.addcmul(shift, part, scale, out=part)
                if self._slope is not None:
                    nn.functional.leaky_relu_(part, self._slope)
        return x

    def _scale_and_shift(self, parts: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, torch.Tensor]:
        means = [part.mean(0) for part in parts]
        # About the mean of each part, because float32 loses small differences of large squares.
        squares = [(part - own).square_().sum(0) for part, own in zip(parts, means, strict=True)]
        counts = torch.tensor([len(part) for part in parts], dtype=torch.float64)[:, None]
        of_parts, number = torch.stack(means).double(), counts.sum()
        mean = (of_parts * counts).sum(0) / number
        between = (counts * (of_parts - mean).square()).sum(0)
        variance = (torch.stack(squares).double().sum(0) + between) / number
        scale = self._norm.weight / (variance + self._norm.eps).sqrt()
        return scale.float(), (self._norm.bias - mean * scale).float()
