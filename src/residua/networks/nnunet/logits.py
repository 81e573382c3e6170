"""Bring logits to the grid of the crop as nnU-Net does, to the bit, on the device on which they are.

nnU-Net interpolates them on a processor, by SciPy. A card does the same operations in the same order and precision.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from nnunetv2.preprocessing.resampling.default_resampling import determine_do_sep_z_and_axis
from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager

from residua.networks.nnunet.plans import RESAMPLING
from residua.networks.nnunet.resampling import RESAMPLING_OF_PROBABILITIES

_Axis = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""The two neighbours of each position, and the weight of each."""
_PLANES = 16
"""Planes of which a card interpolates all at once; a processor takes one, which its cache holds."""


def on_grid(
    logits: torch.Tensor, configuration: ConfigurationManager, shape: Sequence[int], spacing: Sequence[float]
) -> torch.Tensor:
    """Return logits (classes, z, y, x) on the grid of ``shape`` and ``spacing`` that covers the same extent.

    Where they are not half floats, or the plans ask for another interpolation, nnU-Net does it.
    """
    if list(logits.shape[1:]) == list(shape):
        return logits
    if logits.dtype == torch.half and _is_linear(configuration, spacing):
        return interpolated(logits, shape)
    resampled = configuration.resampling_fn_probabilities(logits.cpu(), shape, configuration.spacing, spacing)
    return torch.as_tensor(resampled)


def _is_linear(configuration: ConfigurationManager, spacing: Sequence[float]) -> bool:
    asked = configuration.configuration
    named = asked["resampling_fn_probabilities"], asked["resampling_fn_probabilities_kwargs"]
    by_slice, _ = determine_do_sep_z_and_axis(None, configuration.spacing, spacing)
    return named == (RESAMPLING, RESAMPLING_OF_PROBABILITIES) and not by_slice


def interpolated(logits: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Interpolate half floats linearly in double precision, as SciPy's ``zoom`` does on whole voxels."""
    z_axis, y_axis, x_axis = (_axis(*sizes, logits.device) for sizes in zip(logits.shape[1:], shape, strict=True))
    out = torch.empty((len(logits), *shape), dtype=torch.half, device=logits.device)
    step = 1 if logits.device.type == "cpu" else _PLANES
    for given, made in zip(logits, out, strict=True):
        for first in range(0, shape[0], step):
            part = slice(first, first + step)
            total: torch.Tensor | None = None
            for z, of_z in z_axis:
                planes = given.index_select(0, z[part]).double().mul_(of_z[part, None, None])
                for y, of_y in y_axis:
                    rows = planes.index_select(1, y).mul_(of_y[:, None])
                    for x, of_x in x_axis:
                        corner = rows.index_select(2, x).mul_(of_x)
                        total = corner if total is None else total.add_(corner)
            assert total is not None
            made[part] = _half(total)
    return out


def _axis(size: int, wanted: int, device: torch.device) -> _Axis:
    at = (torch.arange(wanted, dtype=torch.float64) + 0.5) * (size / wanted) - 0.5
    below = at.floor()
    of_below = 1 - (at - below)
    neighbours = (below, of_below), (below + 1, 1 - of_below)
    return tuple((place.long().clamp(0, size - 1).to(device), weight.to(device)) for place, weight in neighbours)


def _half(values: torch.Tensor) -> torch.Tensor:
    """Round doubles to half floats once. PyTorch rounds them to floats first, and so twice.

    A float that was rounded gets an odd last digit, after which the second rounding is that of the double.
    """
    rounded = values.float()
    back = rounded.double()
    digits = rounded.view(torch.int32)
    digits = (digits - (back.abs() > values.abs()).int()) | (back != values).int()
    return digits.view(torch.float32).half()
