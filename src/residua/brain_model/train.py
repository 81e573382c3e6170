"""Train the brain model on stored slabs; a training that was ended goes on from its checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from residua.brain.shipped_model import shipped_model
from residua.brain_model.settings import BrainModelSettings
from residua.brain_model.ship import ship
from residua.brain_model.slab_batches import SlabBatches, a_few
from residua.brain_model.start import keep_inner, start_inside
from residua.brain_model.store import StoredSlabs, numbers_of_epoch
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.checkpoint import copied, read_state, resume
from residua.networks.agunet.epoch import compile_for_training, one_epoch
from residua.networks.agunet.framework import computing_in, keras, require_kernels, set_up
from residua.networks.agunet.settings import InitialWeights
from residua.networks.agunet.steady import SteadyModel
from residua.networks.agunet.weights import Arrays, arrays_of, read_checked
from residua.networks.contract import Progress
from residua.networks.unfinished import Unfinished
from residua.publishing.publish import write_text

CURVE = "curve.jsonl"


def train_brain_model(
    training: Sequence[Path], held_out: Sequence[Path], settings: BrainModelSettings, out: Path, progress: Progress
) -> None:
    """Train on the slabs of the folders ``training``; leave the weights, their description and the curve in ``out``.

    The weights are those of the epoch with the lowest loss of the finest head on the slabs of ``held_out``.
    """
    set_up()
    require_kernels(settings.precision, compile_to_xla=False)
    slabs, held = StoredSlabs(training, settings.slab), StoredSlabs(held_out, settings.slab)
    with Unfinished(out, ".safetensors", settings.save_every_epochs) as unfinished:
        network = _compiled(settings, slabs)
        best, course = resume(network, unfinished.restore(read_state))
        full = network.outputs[0].shape[1:4]
        steps = [tuple(f // n for f, n in zip(full, head.shape[1:4], strict=True)) for head in network.outputs]
        judged = SlabBatches(held, range(len(held)), 1, steps, crop=settings.crop)
        while course.epoch < settings.epochs:
            progress(course.epoch, settings.epochs)
            wanted = settings.steps_per_epoch * settings.batch_size
            numbers = numbers_of_epoch(len(slabs), wanted, settings.seed, course.epoch)
            seed = (settings.seed, course.epoch)
            drawn = SlabBatches(slabs, numbers, settings.batch_size, steps, seed, settings.crop)
            network.optimizer.learning_rate = settings.learning_rate_after(course.epoch / settings.epochs)
            course = one_epoch(network, drawn, judged, course, unfinished)
            best = arrays_of(network) if course.improved else best
            write_text(out / CURVE, "".join(json.dumps(record) + "\n" for record in course.curve))
            unfinished.after(course.epoch, copied(network, best, course))
        ship(best, settings, out)
        unfinished.remove()
    progress(settings.epochs, settings.epochs)


def _compiled(settings: BrainModelSettings, slabs: StoredSlabs) -> SteadyModel:
    keras.utils.set_random_seed(settings.seed)
    with computing_in(settings.precision):
        momentum, flat = settings.batch_normalization_momentum, settings.flat_levels
        layers = build_network(settings.seen, 1, settings.features, momentum, flat)
        network = SteadyModel(layers.inputs, layers.outputs, name=layers.name)
    start, finer = settings.initial_weights, 0
    if start:
        arrays, file = _weights_of(start)
        seen = a_few(slabs, settings.crop)
        finer = start_inside(network, arrays, settings.features, file, "the training's settings", seen)
    if settings.learn == "finer":
        keep_inner(network, finer)
    compile_for_training(network, settings.precision, settings.learning_rate, 1, to_xla=False)
    return network


def _weights_of(start: InitialWeights | Literal["shipped"]) -> tuple[Arrays, Path]:
    if start == "shipped":
        model = shipped_model()
        return model.arrays, model.file
    return read_checked(start.file, start.sha256, "initial weights"), Path(start.file)
