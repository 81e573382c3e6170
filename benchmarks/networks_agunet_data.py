"""What feeds AGU-Net's steps in networks_agunet_steps.py: prepared cases, their batches, and how volumes are moved."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

try:
    import skimage.transform  # noqa: F401
except ImportError:
    # Reading prepared channels resizes nothing.
    stub = ModuleType("skimage.transform")
    vars(stub)["resize"] = None
    sys.modules |= {"skimage": ModuleType("skimage"), "skimage.transform": stub}

UPDATE = 32
"""Volumes to an update of the weights."""
Asked = dict[str, Any]


def settings_for(asked: Asked) -> Any:
    """Return the settings of AGU-Net."""
    from residua.networks.agunet.settings import AGUNetSettings

    plain = {"precision": asked["precision"], "compile_to_xla": asked["xla"], "batch_size": asked["batch"]}
    sizes = {"shape": asked["shape"], "features": asked["features"], "effective_batch_size": UPDATE}
    return AGUNetSettings.model_validate({**asked["settings"], **sizes, **plain})


def batches_of(folder: Path, asked: Asked, strides: Sequence[tuple[int, ...]], number: int) -> Any:
    """Write a few prepared cases, and return so many batches of them with every sample moved as the article says."""
    from residua.images.volumes import Grid
    from residua.networks.agunet.batches import Batches
    from residua.networks.agunet.prepared import Origin, write_channel
    from residua.networks.cases import Channel, PreparedCase, TrainingSet
    from residua.preparation.brain_crop import Crop

    grid = Grid(tuple(asked["shape"]), np.eye(4))
    x, y, z = (slice(0, n) for n in grid.shape)
    origin = Origin(Crop(grid, (x, y, z)), grid.shape)
    names, rng = [f"P{number}" for number in range(4)], np.random.default_rng(0)
    channels = tuple(Channel(f"channel{number}", is_label=False) for number in range(asked["channels"]))
    for name in names:
        for channel in channels:
            cube = rng.normal(size=grid.shape).astype(np.float32)
            write_channel(cube, origin, folder / f"{name}_{channel.name}.npz")
        write_channel((rng.random(grid.shape) < 0.1).astype(np.uint8), origin, folder / f"{name}_target.npz")
    cases = {n: PreparedCase(n, tuple(folder / f"{n}_{channel.name}.npz" for channel in channels)) for n in names}
    references = {name: folder / f"{name}_target.npz" for name in names}
    data = TrainingSet(channels, cases, references, tuple(names), ())
    patients = (names * (number * asked["batch"]))[: number * asked["batch"]]
    return Batches(data, patients, strides, settings_for(asked), (1, 0), asked["threads"])


def data(asked: Asked) -> dict[str, Any]:
    """Measure samples a second for several numbers of threads, with every file in the page cache."""
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        strides = [(2**level,) * 3 for level in range(len(asked["features"]) - 1)]
        batches = batches_of(Path(folder), asked, strides, max(8, 2 * asked["threads"]))
        batches[0]
        for threads in sorted({1, 2, 4, asked["threads"]}):
            begun, used = time.perf_counter(), time.process_time()
            with ThreadPoolExecutor(threads) as pool:
                samples = sum(len(volume) for volume, _ in pool.map(batches.__getitem__, range(len(batches))))
            cpu = (time.process_time() - used) / samples
            rates[threads] = {"samples_per_s": samples / (time.perf_counter() - begun), "cpu_s": cpu}
    return {"cpus": os.cpu_count(), "threads": rates}


def movement(asked: Asked) -> dict[str, Any]:
    """Measure both ways in turns, and the largest difference of images and the number of labels that differ."""
    from scipy import ndimage

    from residua.networks.agunet.augmentation import Variation
    from residua.networks.agunet.movement import VolumeMovement

    rng, shape = np.random.default_rng(0), tuple(asked["shape"])
    image, label = rng.normal(size=shape).astype(np.float32), (rng.random(shape) < 0.5).astype(np.uint8)
    spent: dict[str, list[float]] = {f"{way} {what}": [] for way in ("scipy", "ours") for what in ("image", "label")}
    apart = voxels = 0.0
    for _ in range(asked["steps"]):
        variation = Variation((0,), float(rng.uniform(-0.35, 0.35)), tuple(rng.uniform(-0.1, 0.1, 3).tolist()))
        c, s = np.cos(variation.angle), np.sin(variation.angle)
        turn, centre = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]), (np.array(shape) - 1) / 2
        place = (turn, centre - turn @ (centre + np.array(variation.shift) * shape))
        for what, volume, order in (("image", image, 1), ("label", label, 0)):
            begun = time.process_time()
            theirs = ndimage.affine_transform(np.flip(volume, 0), *place, order=order, mode="nearest", prefilter=False)
            between = time.process_time()
            ours = VolumeMovement(shape, variation)(volume, what == "label")
            spent[f"ours {what}"].append(time.process_time() - between)
            spent[f"scipy {what}"].append(between - begun)
            if what == "image":
                apart = max(apart, float(np.abs(theirs - ours).max()))
            else:
                voxels += int((theirs != ours).sum())
    medians = {key: float(np.median(seconds)) for key, seconds in spent.items()}
    return {"cpu_s": medians, "largest_difference": apart, "labels_that_differ": int(voxels)}
