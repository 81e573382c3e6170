"""Prepare a network for training, and train it for one epoch."""

from __future__ import annotations

import numpy as np

from residua.errors import ResiduaError
from residua.networks.agunet.course import Course
from residua.networks.agunet.framework import keras
from residua.networks.agunet.loss import soft_dice_loss
from residua.networks.agunet.steady import SteadyModel, steady_optimizer
from residua.networks.agunet.watch import Drawn, Watch
from residua.networks.agunet.weights import all_finite
from residua.networks.unfinished import Unfinished


def compile_for_training(
    network: SteadyModel, precision: str, learning_rate: float, accumulated: int, to_xla: bool
) -> None:
    """Give a network its optimiser and a loss of every head; ``accumulated`` batches make one update."""
    optimizer = steady_optimizer(precision, learning_rate, accumulated)
    optimizer.build(network.trainable_variables)
    losses = [soft_dice_loss] * len(network.outputs)
    network.compile(optimizer, loss=losses, jit_compile=to_xla, auto_scale_loss=False)
    # Keras makes the variables of its mean losses at the first loss. Made in the first step, they let TensorFlow build
    # the graph of a step twice, which takes seconds at every start.
    voxels = [keras.ops.zeros((1, *head.shape[1:])) for head in network.outputs]
    network.compute_loss(y=voxels, y_pred=voxels)


def one_epoch(network: SteadyModel, drawn: Drawn, held: Drawn, course: Course, unfinished: Unfinished) -> Course:
    """Train on the batches ``drawn``, validate on ``held``, and return the course after both."""
    watch, epoch = Watch(drawn, unfinished), course.epoch
    given = {"validation_data": held, "shuffle": False, "verbose": 0, "callbacks": [watch]}
    try:
        fitted = network.fit(drawn, initial_epoch=epoch, epochs=epoch + 1, **given)
    # TensorFlow wraps what a thread of the batches raised in an error of its own.
    except Exception as error:
        failed = drawn.failed or held.failed
        if failed in (None, error):
            raise
        raise failed from error
    finest = network.output_names[0]
    train_loss, validation_loss = (float(fitted.history[f"{part}{finest}_loss"][-1]) for part in ("", "val_"))
    watch.steps.require_convergence("agunet", epoch, all_finite(network))
    if not np.isfinite(validation_loss):
        raise ResiduaError(
            f"epoch {course.epoch}: the validation loss is {validation_loss}, so no epoch can be chosen; look for "
            "images with extreme values on the quality pages"
        )
    print(f"loss {train_loss:.4f}, validation {validation_loss:.4f}", flush=True)
    return course.after(train_loss, validation_loss)
