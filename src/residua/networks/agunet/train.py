"""Train one AGU-Net."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.batches import Batches
from residua.networks.agunet.checkpoint import copied, read_state, resume
from residua.networks.agunet.course import Course
from residua.networks.agunet.epoch import compile_for_training, one_epoch
from residua.networks.agunet.framework import computing_in, keras, require_kernels, set_up
from residua.networks.agunet.model_files import built_for
from residua.networks.agunet.names import NETWORK_FILE, WEIGHTS_FILE
from residua.networks.agunet.sampling import epochs_of
from residua.networks.agunet.settings import AGUNetSettings
from residua.networks.agunet.steady import SteadyModel
from residua.networks.agunet.stopping import split_for_stopping
from residua.networks.agunet.weights import arrays_of, assign, read_checked, start_from
from residua.networks.cases import Channel, TrainingSet
from residua.networks.contract import Progress
from residua.networks.unfinished import Unfinished
from residua.publishing.publish import write_json, write_text, writing

CURVE = "curve.jsonl"


def train(data: TrainingSet, settings: AGUNetSettings, out: Path, progress: Progress) -> None:
    """Fulfil ``residua.networks.contract.Train``; leave weights, the network's description and the curve.

    The weights are from the epoch with the lowest loss of the finest head on the patients for early stopping.
    """
    with Unfinished(out, ".safetensors", settings.save_every_epochs) as unfinished:
        if (out / WEIGHTS_FILE).exists() and not unfinished.exists():
            return  # A complete training that was killed before its folder was published.
        set_up()
        require_kernels(settings.precision, settings.compile_to_xla)
        network = compiled(len(data.channels), settings)
        state = unfinished.restore(read_state)
        if data.start and state is None:
            begin(network, settings, data.start / WEIGHTS_FILE)
        best, course = resume(network, state)
        training, stopping = split_for_stopping(data, settings)
        seen_in = epochs_of(data, training, settings)
        held = _batches(data, stopping, network, settings, seed=None)
        while not course.ended(settings.epochs, settings.patience_epochs):
            progress(course.epoch, settings.epochs)
            drawn = _batches(data, seen_in(course.epoch), network, settings, seed=(settings.seed, course.epoch))
            course = one_epoch(network, drawn, held, course, unfinished)
            best = arrays_of(network) if course.improved else best
            write_text(out / CURVE, "".join(json.dumps(record) + "\n" for record in course.curve))
            unfinished.after(course.epoch, copied(network, best, course))
        write_json(out / NETWORK_FILE, _description(data.channels, settings, course))
        with writing(out / WEIGHTS_FILE) as beside:
            save_file(best, beside)
        unfinished.remove()
    progress(settings.epochs, settings.epochs)


def begin(network: keras.Model, settings: AGUNetSettings, file: Path) -> None:
    """Start from a model: from all of one of a bundle, which saw the same channels, else from what saw no channel."""
    # With none of its own, init leaves the start to a bundle.
    take = assign if settings.init == "none" else start_from
    take(network, load_file(file), file)


def compiled(channels: int, settings: AGUNetSettings) -> SteadyModel:
    """Return a network as its training begins, with random weights or those that the settings name."""
    keras.utils.set_random_seed(settings.seed)
    with computing_in(settings.precision):
        momentum = settings.batch_normalization_momentum
        layers = build_network(settings.shape, channels, settings.features_for(channels), momentum)
        network = SteadyModel(layers.inputs, layers.outputs, name=layers.name)
    if settings.initial_weights and not settings.initial_weights.is_onnx:
        file, sha256 = settings.initial_weights.file, settings.initial_weights.sha256
        start_from(network, read_checked(file, sha256, "initial weights"), file)
    accumulated = settings.effective_batch_size // settings.batch_size
    compile_for_training(network, settings.precision, settings.learning_rate, accumulated, settings.compile_to_xla)
    return network


def _batches(
    data: TrainingSet,
    patients: Sequence[str],
    network: keras.Model,
    settings: AGUNetSettings,
    seed: tuple[int, ...] | None,
) -> Batches:
    # Each head judges every second, fourth ... voxel of the target.
    full = network.outputs[0].shape[1:4]
    steps = [tuple(f // n for f, n in zip(full, head.shape[1:4], strict=True)) for head in network.outputs]
    workers = int(os.environ.get("OMP_NUM_THREADS", "1"))
    return Batches(data, patients, steps, settings, seed, workers)


def _description(channels: Sequence[Channel], settings: AGUNetSettings, course: Course) -> dict[str, Any]:
    described = {**built_for(settings, channels), **settings.model_dump(mode="json", include={"spacing_mm"})}
    return {**described, "epochs_trained": course.epoch, "epoch_of_weights": course.best_epoch}
