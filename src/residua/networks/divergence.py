"""Decide when a training has diverged: one rule for every network.

A step whose loss is not finite changes no weights. A few happen in half precision; more of them end the training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from residua.errors import ResiduaError

MOST_STEPS_LEFT_OUT = 5
"""A training ends when more steps of one epoch than this are not finite."""

Batch = tuple[int, tuple[str, ...]]
"""The number of a step in its epoch, from 1, and the patients in its batch."""


class Steps:
    """The steps of one epoch, and the batch with which the first of them went wrong."""

    def __init__(self) -> None:
        """Begin an epoch."""
        self._done = self._left_out = 0
        self._last: Batch | None = None
        self._began: Batch | None = None

    def after(self, patients: Sequence[str], finite: bool, finite_weights: Callable[[], bool]) -> None:
        """Note a step on these patients, whose loss was finite or not.

        ``finite_weights`` is asked at the first that was not: weights that are not finite come from the step before.
        """
        before, self._done = self._last, self._done + 1
        self._last = self._done, tuple(map(str, patients))
        if not finite:
            self._left_out += 1
            self._began = self._began or (self._last if before is None or finite_weights() else before)

    def require_convergence(self, arch: str, epoch: int, finite_weights: bool) -> None:
        """Raise ``ResiduaError`` as ``require_convergence`` does."""
        began = self._began or (None if finite_weights else self._last)
        require_convergence(arch, epoch, self._left_out, self._done, finite_weights, began)


def require_convergence(
    arch: str, epoch: int, left_out: int, steps: int, finite_weights: bool, began: Batch | None = None
) -> None:
    """Raise ``ResiduaError`` when the weights are not finite, or too many or all of an epoch's ``steps`` were not.

    ``left_out`` is the number of the latter, ``began`` the first batch that went wrong, where it is known.
    """
    if finite_weights and left_out <= MOST_STEPS_LEFT_OUT and left_out < steps:
        return
    what = f"{left_out} of {steps} steps were not finite" if finite_weights else "the weights are not finite"
    where = f" (from step {began[0]}, with the patients {', '.join(began[1])})" if began else ""
    raise ResiduaError(
        f"epoch {epoch}: {what}{where}, the training has diverged; lower networks.{arch}.learning_rate, and look for "
        "images with extreme values on the quality pages"
    )
