"""Compute the loss of every head."""

from __future__ import annotations

from typing import Any

from residua.networks.agunet.framework import keras


def soft_dice_loss(truth: Any, probabilities: Any) -> Any:
    """Compute 1 − (2Σpg + 1) / (Σp² + Σg² + 1) over the batch, averaged over the classes without the background.

    ``truth`` is one-hot and ``probabilities`` a softmax, both (batch, x, y, z, classes) with the background first.
    """
    ops = keras.ops
    p, g = probabilities[..., 1:], ops.cast(truth, probabilities.dtype)[..., 1:]
    over = tuple(range(len(p.shape) - 1))
    dice = (2.0 * ops.sum(p * g, over) + 1.0) / (ops.sum(p * p, over) + ops.sum(g * g, over) + 1.0)
    return 1.0 - ops.mean(dice)
