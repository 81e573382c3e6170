"""The training of the brain model at a tiny size, in TensorFlow's environment: python brain_model_check.py FOLDER.

Prints one JSON record.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.ndimage import gaussian_filter
from skimage.measure import block_reduce

from residua.brain.shipped_model import DESCRIPTION, WEIGHTS, ShippedModel, shipped_model
from residua.brain_model.settings import BrainModelSettings
from residua.brain_model.slab_batches import SlabBatches, a_few
from residua.brain_model.start import start_inside
from residua.brain_model.store import StoredSlabs, write_slabs
from residua.brain_model.train import CURVE, train_brain_model
from residua.errors import ResiduaError
from residua.networks.agunet.architecture import build_network
from residua.networks.agunet.framework import keras
from residua.networks.agunet.weights import arrays_of, assign
from residua.publishing.publish import digest, read_json, write_json

SHAPE = (16, 16, 8)
EPOCHS = 4
HEADS = {"heads": 1, "held_out_heads": 1, "heads_per_job": 1, "views": 1, "world_mm": 4.0, "random_contrast": 0.0}
SETTINGS = {
    "slab": SHAPE, "features": [2, 3, 4], "batch_normalization_momentum": 0.8, "batch_size": 2, "steps_per_epoch": 2,
    "training": {**HEADS, "real_brain": 0.0, "seed": 1},
    "epochs": EPOCHS, "learning_rate": 0.01, "save_every_epochs": 1, "seed": 3,
}  # fmt: skip


class KilledError(Exception):
    """Stands for the moment at which a training is killed."""


def stored(folder: Path, count: int, seed: int) -> list[Path]:
    """Slabs with a bright block, in two folders."""
    rng = np.random.default_rng(seed)
    folders = [folder / "a", folder / "b"]
    for part in folders:
        part.mkdir(parents=True)
        brains = [np.zeros(SHAPE, np.uint8) for _ in range(count)]
        for brain in brains:
            x, y, z = rng.integers(1, 5, 3)
            brain[x : x + 9, y : y + 9, min(z, 3) : min(z, 3) + 4] = 1
        write_slabs([((brain + rng.normal(0, 0.3, SHAPE)).astype(np.float32), brain) for brain in brains], part)
    return folders


class Trainings:
    """Trainings on the same slabs, each in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        """Make the slabs."""
        self._folder = folder
        self.training, self._held = stored(folder / "training", 3, 1), stored(folder / "held", 1, 2)

    def run(self, name: str, killed_at: int | None = None, **changed: Any) -> Path:
        """Train in the folder of this name, or go on; ``killed_at`` ends it when that epoch begins."""
        out = self._folder / name
        out.mkdir(exist_ok=True)

        def progress(done: int, total: int) -> None:
            if done == killed_at:
                raise KilledError

        settings = BrainModelSettings.model_validate({**SETTINGS, **changed})
        train_brain_model(self.training, self._held, settings, out, progress)
        return out

    def refusal(self, **changed: Any) -> str:
        """Why a training with these settings does not start."""
        try:
            self.run("refused", **changed)
        except ResiduaError as error:
            return str(error).replace(f"{self._folder}/", "")
        return "accepted"


def parts_of_slabs(folders: list[Path]) -> dict[str, bool]:
    """Whether parts lie in their slabs, elsewhere in each, and the same when they are asked for again."""
    slabs, numbers, steps = StoredSlabs(folders, SHAPE), [0] * 6, [(1, 1, 1)]
    whole, brain = slabs[0]
    batches = [SlabBatches(slabs, numbers, 6, steps, crop=(12, 12, 8))[0] for _ in range(2)]
    (values, (one_hot,)), (again, _) = batches
    windows = np.lib.stride_tricks.sliding_window_view(whole, (12, 12, 8)).reshape(-1, 12, 12, 8)
    known = np.lib.stride_tricks.sliding_window_view(brain, (12, 12, 8)).reshape(-1, 12, 12, 8)
    places = [int(np.flatnonzero((windows == part[..., 0]).all(axis=(1, 2, 3)))[0]) for part in values]
    return {
        "brains": all(np.array_equal(known[place], mask[..., 1]) for place, mask in zip(places, one_hot, strict=True)),
        "several": len(set(places)) > 3,
        "again": bool(np.array_equal(values, again)),
    }


def grown_apart(model: ShippedModel) -> dict[str, list[float]]:
    """How far answers are apart at most: of a network and of a larger one with it inside, for each number of levels.

    Of the finest levels, how far the evidence is on average from that of the level below.
    """
    volume = gaussian_filter(np.random.default_rng(5).normal(0, 9, (1, 32, 32, 32, 1)), (0, 3, 3, 3, 0)).astype("f4")
    inner, finest = list[float](), list[float]()
    for finer in (1, 2):
        small = build_network([32 // 2**finer] * 3, 1, model.features, 0.8)
        assign(small, model.arrays, model.file, "a test")
        features = (*(5, 2)[2 - finer :], *model.features)
        large = build_network(volume.shape[1:4], 1, features, 0.8)
        start_inside(large, model.arrays, features, model.file, "a test", volume)
        averaged = block_reduce(volume, (1, *[2**finer] * 3, 1), np.mean)
        answers = [np.asarray(answer) for answer in large.predict_on_batch(volume)]
        pairs = zip(answers[finer:], small.predict_on_batch(averaged), strict=True)
        inner.append(max(float(np.abs(of_large - of_small).max()) for of_large, of_small in pairs))
        for level in range(finer):
            below = block_reduce(answers[level], (1, 2, 2, 2, 1), np.mean)
            finest.append(float(np.abs(below - answers[level + 1]).mean()))
    return {"inner": inner, "finest": finest}


def widened_apart(model: ShippedModel) -> dict[str, float]:
    """How far answers of a network and of a wider one with it inside are apart at most, and of one that learnt more."""
    volume = np.random.default_rng(6).normal(0, 1, (1, *SHAPE, 1)).astype("f4")
    small = build_network(SHAPE, 1, model.features, 0.8)
    assign(small, model.arrays, model.file, "a test")
    wide = build_network(SHAPE, 1, (4, 3, 7), 0.8)
    start_inside(wide, model.arrays, (4, 3, 7), model.file, "a test", volume)
    answers = [np.asarray(network.predict_on_batch(volume)[0]) for network in (small, wide)]
    before = arrays_of(wide)
    wide.compile("sgd", loss=["mse"] * len(wide.outputs))
    wide.train_on_batch(volume, tuple(np.zeros(head.shape[1:], "f4")[None] for head in wide.outputs))
    # What reads the new filters began with zeros and has to learn.
    new = "encoder0_conv1/kernel"
    moved = float(np.abs(arrays_of(wide)[new][..., 2:, :2] - before[new][..., 2:, :2]).max())
    return {"apart": float(np.abs(answers[0] - answers[1]).max()), "moved": moved}


def moved_alone(trainings: Trainings, model: ShippedModel) -> list[str]:
    """The layers that a training of the finer levels alone changed, in weights (2, 2, 3, 4) around a ``model``."""
    features = (2, *model.features)
    start = {"file": str(model.file), "sha256": digest(model.file)}
    grown = trainings.run("finer", initial_weights=start, features=features, learn="finer", epochs=2)
    keras.utils.set_random_seed(SETTINGS["seed"])
    before = build_network(SHAPE, 1, features, SETTINGS["batch_normalization_momentum"])
    volumes = a_few(StoredSlabs(trainings.training, SHAPE), None)
    start_inside(before, model.arrays, features, model.file, "a test", volumes)
    after = load_file(grown / WEIGHTS)
    changed = [name for name, was in arrays_of(before).items() if not np.array_equal(was.astype("f2"), after[name])]
    return sorted({name.split("/")[0] for name in changed})


def shipped_refusals(model: Path, folder: Path) -> dict[str, str]:
    """Why models of the package whose files were changed are not read."""

    def refusal() -> str:
        try:
            shipped_model(folder)
        except ResiduaError as error:
            return str(error).replace(f"{folder}", "weights")
        return "accepted"

    shutil.copytree(model, folder)
    (folder / WEIGHTS).write_bytes(b"damaged")
    refusals = {"damaged": refusal()}
    description = read_json(folder / DESCRIPTION)
    write_json(folder / DESCRIPTION, {**description, "weights_sha256": digest(folder / WEIGHTS)})
    refusals["no_safetensors"] = refusal()
    (folder / WEIGHTS).unlink()
    return {**refusals, "missing": refusal()}


def main(folder: Path) -> dict[str, object]:
    """What becomes of trainings that are killed, that start from weights, and that cannot start."""
    trainings = Trainings(folder)
    whole = trainings.run("whole")
    unfinished = []
    try:
        trainings.run("killed", killed_at=2)
    except KilledError:
        unfinished = sorted(file.name.split("-")[1] for file in (folder / "killed").glob("checkpoint-*"))
    resumed = trainings.run("killed")
    weights, model = folder / "start.safetensors", shipped_model(whole)
    save_file(model.arrays, weights)
    start = {"file": str(weights), "sha256": digest(weights)}
    other, channels = folder / "other.safetensors", folder / "channels.safetensors"
    save_file(arrays_of(build_network(SHAPE, 1, [2, 3, 5], 0.8)), other)
    save_file(arrays_of(build_network(SHAPE, 2, [2, 3, 4], 0.8)), channels)
    curve = [json.loads(line) for line in (whole / CURVE).read_text().splitlines()]
    further = trainings.run("further", initial_weights=start, epochs=1)
    begun = load_file(weights)
    cropped = shipped_model(trainings.run("cropped", initial_weights=start, crop=(12, 12, 8), cut=0.6, epochs=1))
    return {
        "unfinished": unfinished,
        "shipped": shipped_refusals(whole, folder / "shipped"),
        "same": [
            (whole / name).read_bytes() == (resumed / name).read_bytes() for name in (WEIGHTS, DESCRIPTION, CURVE)
        ],
        "left": sorted(file.name for file in resumed.iterdir()),
        "types": sorted({str(array.dtype) for array in load_file(whole / WEIGHTS).values()}),
        "losses": [record["train_loss"] for record in curve],
        "cropped": {
            "slab": cropped.slab,
            "cut": cropped.cut,
            "fits": {name: each.shape for name, each in cropped.arrays.items()}
            == {name: each.shape for name, each in begun.items()},
            "learnt": any(not np.array_equal(each, begun[name]) for name, each in cropped.arrays.items()),
        },
        "grown_apart": grown_apart(model),
        "widened": widened_apart(model),
        "parts": parts_of_slabs(trainings.training),
        "further": json.loads((further / CURVE).read_text())["train_loss"],
        "of_another_digest": trainings.refusal(initial_weights={**start, "sha256": "0" * 64}),
        "of_another_network": trainings.refusal(initial_weights={"file": str(other), "sha256": digest(other)}),
        "of_more_channels": trainings.refusal(initial_weights={"file": str(channels), "sha256": digest(channels)}),
        "moved_alone": moved_alone(trainings, model),
        "nothing_finer": trainings.refusal(initial_weights=start, learn="finer"),
        "of_another_slab": trainings.refusal(slab=(16, 16, 16)),
    }


if __name__ == "__main__":
    print("\n" + json.dumps(main(Path(sys.argv[1]))))
