"""Watch the steps of a training: leave when asked, and know with which patients it diverged."""

from __future__ import annotations

from typing import Any, Protocol

from residua.networks.agunet.framework import keras
from residua.networks.agunet.weights import all_finite
from residua.networks.divergence import Steps
from residua.networks.unfinished import Unfinished


class Drawn(Protocol):
    """Batches of an epoch: who is in each, and the error with which one could not be read."""

    failed: Exception | None

    def patients_of(self, index: int) -> list[str]:
        """Return the patients of batch number ``index``."""


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Follows the steps of one epoch on ``drawn``; raises ``LeftError`` after the step during which a signal came."""

    def __init__(self, drawn: Drawn, unfinished: Unfinished) -> None:
        """Begin an epoch."""
        super().__init__()
        self.steps = Steps()
        self._drawn, self._unfinished, self._wrong = drawn, unfinished, 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Count from here on."""
        self._wrong = int(self.model.optimizer.wrong)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Note whether the step was wrong."""
        wrong = int(self.model.optimizer.wrong)
        self.steps.after(self._drawn.patients_of(batch), wrong == self._wrong, lambda: all_finite(self.model))
        self._wrong = wrong
        self._unfinished.leave_if_asked()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Leave within the validation, too."""
        self._unfinished.leave_if_asked()
