"""Make heads and train the brain model on them for so many seconds, with Keras on TensorFlow or on JAX.

    export PYTHONPATH=src
    python3 benchmarks/brain_model_in_time.py make coarse.yaml --out DISK --processes 12
    python3 benchmarks/brain_model_in_time.py train coarse.yaml --out DISK/coarse --slabs DISK --start shipped

The heads, the layers, the loss, the order of slabs and the learning rate are those of ``snakemake brain_model``. Where
there is TensorFlow, Keras stands on it. On a machine with a card and without TensorFlow it stands on JAX, which
compiles with XLA: the weights are not the same to the bit. Nothing is resumed: a training takes minutes, and
``--start`` goes on from any other. ``--seconds`` says after how many the learning rate has come to 0, where that is
before all epochs are done. Heads may still be made while it trains. The weights of the epoch with the lowest loss on
held-out heads are left in ``--out``, or those of the start where none is lower. A configuration that ends in .json
needs no PyYAML.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from residua.publishing.publish import MANIFEST, stage

READ_AHEAD = 8
"""Batches that wait for the card."""


def settings_of(config: Path) -> Any:
    """Return the settings of a configuration of the brain model."""
    from residua.brain_model.settings import load_brain_model

    if config.suffix == ".json":
        return load_brain_model(json.loads(config.read_text(encoding="utf-8")))
    from residua.settings.yaml_file import read_yaml

    return load_brain_model(read_yaml(config))


def make(config: Path, out: Path, processes: int) -> None:
    """Make the slabs of all heads; what is there already is kept."""
    settings = settings_of(config)
    jobs = [(settings, part, batch, folder_of(out, part, batch)) for part, batch in batches(settings)]
    begun = time.monotonic()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        for number, _ in enumerate(pool.imap_unordered(make_batch, jobs), 1):
            print(f"{number} of {len(jobs)} batches of heads, {time.monotonic() - begun:.0f} s", flush=True)


def batches(settings: Any) -> list[tuple[str, int]]:
    """Return part and number of every batch of heads, those that choose the best epoch first."""
    numbers = settings.batches
    return [(part, number) for part in ("held_out", "training") for number in range(numbers[part])]


def folder_of(slabs: Path, part: str, batch: int) -> Path:
    """Return the folder of a batch."""
    return slabs / part / f"{batch:04d}"


def make_batch(job: tuple[Any, str, int, Path]) -> None:
    """Write the slabs of one batch of heads, as the rule does."""
    from residua.brain_model.samples import slabs_of_batch
    from residua.brain_model.store import write_slabs

    settings, part, batch, out = job
    if not (out / MANIFEST).is_file():
        with stage(out / MANIFEST) as folder:
            write_slabs(slabs_of_batch(settings.training, part, batch, settings.slab), folder)


def train(config: Path, out: Path, slabs: Path, start: str | None, seconds: float) -> None:
    """Train, and leave the best weights and the curve in ``out``."""
    if not find_spec("tensorflow"):
        os.environ["KERAS_BACKEND"] = "jax"
        import keras  # noqa: F401  before the library chooses its backend

    from residua.brain_model.ship import ship
    from residua.brain_model.slab_batches import SlabBatches
    from residua.brain_model.store import StoredSlabs, numbers_of_epoch
    from residua.networks.agunet.weights import arrays_of

    settings, begun = settings_of(config), time.monotonic()
    network = compiled(settings, start, StoredSlabs(folders(slabs, "training", settings), settings.slab))
    full = network.outputs[0].shape[1:4]
    steps = [tuple(f // n for f, n in zip(full, head.shape[1:4], strict=True)) for head in network.outputs]
    held = StoredSlabs(folders(slabs, "held_out", settings), settings.slab)
    size, best, curve = settings.batch_size, arrays_of(network), list[dict[str, float]]()
    held_batches = SlabBatches(held, range(len(held)), size, steps, crop=settings.crop)
    lowest = judged(network, held_batches)
    print(f"held-out loss {lowest:.4f} before the first step", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    ship(best, settings, out)
    for epoch in range(settings.epochs):
        training = StoredSlabs(folders(slabs, "training", settings), settings.slab)
        numbers = numbers_of_epoch(len(training), settings.steps_per_epoch * size, settings.seed, epoch)
        losses = []
        drawn = SlabBatches(training, numbers, size, steps, (settings.seed, epoch), settings.crop)
        for batch in served(drawn):
            gone = max(epoch / settings.epochs, (time.monotonic() - begun) / seconds)
            network.optimizer.learning_rate = settings.learning_rate_after(min(gone, 1.0))
            losses.append(float(network.train_on_batch(*batch)[0]))
        loss = judged(network, held_batches)
        if loss < lowest:
            lowest, best = loss, arrays_of(network)
            ship(best, settings, out)
        mean = sum(losses) / len(losses)
        passed = time.monotonic() - begun
        curve.append({"epoch": epoch, "loss": mean, "held_out_loss": loss, "slabs": len(training), "s": passed})
        (out / "curve.jsonl").write_text("".join(json.dumps(record) + "\n" for record in curve), encoding="utf-8")
        print(json.dumps(curve[-1]), flush=True)
        if passed > seconds:
            break


def judged(network: Any, batches: Any) -> float:
    """Return the mean loss of the finest head."""
    losses = [float(network.test_on_batch(*batch)[1]) for batch in served(batches)]
    return sum(losses) / len(losses)


def folders(slabs: Path, part: str, settings: Any) -> list[Path]:
    """Return the batches that are there: others may still be made beside the training."""
    every = (folder_of(slabs, part, batch) for batch in range(settings.batches[part]))
    return [folder for folder in every if (folder / MANIFEST).is_file()]


def compiled(settings: Any, start: str | None, slabs: Any) -> Any:
    """Return the network with random weights, those of the package, or those of a folder; compiled for its training."""
    import keras

    from residua.brain.shipped_model import FOLDER, shipped_model
    from residua.brain_model.slab_batches import a_few
    from residua.brain_model.start import keep_inner, start_inside
    from residua.networks.agunet.architecture import build_network
    from residua.networks.agunet.framework import computing_in, set_up
    from residua.networks.agunet.loss import soft_dice_loss

    on_jax = keras.backend.backend() == "jax"
    if on_jax:
        from jax_transposed import use_in_keras

        use_in_keras()
    else:
        set_up()
    keras.utils.set_random_seed(settings.seed)
    with computing_in(settings.precision):
        momentum, flat = settings.batch_normalization_momentum, settings.flat_levels
        layers = build_network(settings.seen, 1, settings.features, momentum, flat)
        network = keras.Model(layers.inputs, layers.outputs)
    finer = 0
    if start:
        model = shipped_model(FOLDER if start == "shipped" else Path(start))
        seen = a_few(slabs, settings.crop)
        finer = start_inside(network, model.arrays, settings.features, model.file, "the configuration", seen)
    if settings.learn == "finer":
        keep_inner(network, finer)
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    network.compile(optimizer, loss=[soft_dice_loss] * len(network.outputs), jit_compile=on_jax)
    return network


def served(batches: Any) -> Iterator[Any]:
    """Yield batches in their order, read ahead by threads."""
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(batches.__getitem__, number) for number in range(min(READ_AHEAD, len(batches)))]
        for number in range(len(batches)):
            batch = waiting.pop(0).result()
            if number + READ_AHEAD < len(batches):
                waiting.append(threads.submit(batches.__getitem__, number + READ_AHEAD))
            yield batch


def main() -> None:
    """Make heads, or train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "train"])
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that make heads")
    parser.add_argument("--slabs", type=Path, help="the folder in which make left the heads")
    parser.add_argument("--start", help="shipped, or a folder with weights and description; by default random weights")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="that a training takes at most")
    wanted = parser.parse_args()
    if wanted.what == "make":
        make(wanted.config, wanted.out, wanted.processes)
    else:
        # TensorFlow takes one thread otherwise.
        os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count()))
        train(wanted.config, wanted.out, wanted.slabs, wanted.start, wanted.seconds)


if __name__ == "__main__":
    main()
