"""Leave out training steps that are not finite, as the scaler of gradients does for nnU-Net.

In 16 bits with five of them for the exponent, small gradients vanish. There the loss is scaled, and a step that is not
finite halves the scale, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from residua.networks.agunet.framework import keras

SCALED = "mixed_float16"
"""The precision whose gradients need a scale."""


def _counter() -> tf.Variable:
    """Return a variable that counts steps.

    Of 64 bits: one of 32 stays on the processor, and a step that XLA compiled for a GPU cannot reach it there.
    """
    return tf.Variable(0, trainable=False, dtype=tf.int64)


class SteadyAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam that changes nothing where a gradient is not finite, and counts such steps."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take Keras' arguments; the count is no part of the optimiser's state in a checkpoint."""
        super().__init__(*arguments, **options)
        self.left_out = self.wrong = _counter()

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Apply the gradients if all of them are finite."""
        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(grad)) for grad in grads])
        tf.cond(finite, lambda: self._applied(grads, trainable_variables), self._count)

    def _applied(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None) -> Any:
        super().apply(grads, trainable_variables)
        return tf.constant(0)

    def _count(self) -> Any:
        self.left_out.assign_add(1)
        return tf.constant(0)


class SteadyScale(keras.optimizers.LossScaleOptimizer):  # type: ignore[misc]
    """Adam on a scaled loss that changes nothing where a gradient is not finite, halves the scale, and counts.

    Gradients are scaled back before they are accumulated. The scale and its age are part of the optimiser's state.
    The scale begins too large on purpose. A step that is left out for that alone is not ``wrong``: one is where the
    loss is not finite, or where nothing is left to be halved.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take the arguments of Adam."""
        super().__init__(keras.optimizers.Adam(*arguments, **options))
        self.left_out, self.wrong = _counter(), _counter()
        self._finite_loss = tf.Variable(True, trainable=False)

    def scale_loss(self, loss: Any) -> Any:
        """Scale the loss of a step, and note whether it is finite."""
        self._finite_loss.assign(tf.reduce_all(tf.math.is_finite(loss)))
        return super().scale_loss(loss)

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Apply the gradients if all of them are finite."""
        left_out = tf.logical_not(self.check_finite(grads))
        scaled_too_much = tf.logical_and(self._finite_loss, self.dynamic_scale.value > 1)
        self.left_out.assign_add(tf.cast(left_out, tf.int64))
        self.wrong.assign_add(tf.cast(tf.logical_and(left_out, tf.logical_not(scaled_too_much)), tf.int64))
        super().apply(grads, trainable_variables)


def steady_optimizer(precision: str, learning_rate: float, accumulated: int) -> SteadyAdam | SteadyScale:
    """Return the optimiser for layers that compute in ``precision``; ``accumulated`` batches make one update."""
    kind = SteadyScale if precision == SCALED else SteadyAdam
    return kind(learning_rate, gradient_accumulation_steps=accumulated if accumulated > 1 else None)


class SteadyModel(keras.Model):  # type: ignore[misc]
    """A model whose running statistics, too, are as before after a step that was left out.

    So are its mean losses where the step was wrong.
    """

    def train_step(self, data: Any) -> Any:
        """Run Keras' own step."""
        parts = (
            (self.optimizer.left_out, self.non_trainable_variables),
            (self.optimizer.wrong, self.metrics_variables),
        )
        before = [
            (count, tf.identity(count), [(variable, tf.identity(variable.value)) for variable in variables])
            for count, variables in parts
        ]
        logs = super().train_step(data)
        for count, number, kept in before:
            for variable, value in kept:
                variable.assign(tf.where(tf.equal(count, number), variable.value, value))
        return logs
