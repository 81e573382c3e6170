"""Decide when a training has diverged: one rule for every network.

A step whose loss is not finite changes no weights. A few happen in half precision; more of them end the training.
"""

from __future__ import annotations

from residua.errors import ResiduaError

MOST_STEPS_LEFT_OUT = 5
"""A training ends when more steps of one epoch than this are not finite."""


def require_convergence(arch: str, epoch: int, left_out: int, steps: int, finite_weights: bool) -> None:
    """Raise ``ResiduaError`` when the weights are not finite, or too many or all of an epoch's ``steps`` were not.

    ``left_out`` is the number of the latter.
    """
    if finite_weights and left_out <= MOST_STEPS_LEFT_OUT and left_out < steps:
        return
    what = f"{left_out} of {steps} steps were not finite" if finite_weights else "the weights are not finite"
    raise ResiduaError(
        f"epoch {epoch}: {what}, the training has diverged; lower networks.{arch}.learning_rate, and look for images "
        "with extreme values on the quality pages"
    )
