"""Leave out training steps that are not finite, as the scaler of gradients does for nnU-Net."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from residua.networks.agunet.framework import keras


class SteadyAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam that changes nothing where a gradient is not finite, and counts such steps."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take Keras' arguments; the count is no part of the optimiser's state in a checkpoint."""
        super().__init__(*arguments, **options)
        self.left_out = tf.Variable(0, trainable=False)

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


class SteadyModel(keras.Model):  # type: ignore[misc]
    """A model whose running statistics and mean losses, too, are as before after a step that was left out."""

    def train_step(self, data: Any) -> Any:
        """Run Keras' own step."""
        left_out = tf.identity(self.optimizer.left_out)
        kept = [*self.non_trainable_variables, *self.metrics_variables]
        before = [tf.identity(variable.value) for variable in kept]
        logs = super().train_step(data)
        fine = tf.equal(left_out, self.optimizer.left_out)
        for variable, value in zip(kept, before, strict=True):
            variable.assign(tf.where(fine, variable.value, value))
        return logs
