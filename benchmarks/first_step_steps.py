"""Steps of first_step.py in the torch environment: first_step_steps.py make|begin …; prints JSON as its last line."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from residua.images.volumes import Grid
from residua.networks.nnunet.dataset import StackedDataset
from residua.networks.nnunet.prepared import write_channel
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.nnunet.train import train
from residua.networks.nnunet.trainer import StudyTrainer
from residua.networks.selected import read_training_set
from residua.networks.training_data import data_beside
from residua.networks.unchanged import require_unchanged
from residua.preparation.brain_crop import Crop
from residua.publishing.publish import digest, write_json

FIRST = "first"


class BegunError(Exception):
    """The first step has begun."""


def make(folder: Path, cases: int, channels: int, shape: list[int], patch: list[int]) -> None:
    """Write prepared cases (z, y, x): noise under a smooth image, and a label of 3 ml; then their selection."""
    rng = np.random.default_rng(1)
    noise = rng.normal(size=shape).astype(np.float32)
    x, y, z = shape[::-1]
    box = (slice(0, x), slice(0, y), slice(0, z))
    crop = Crop(Grid((x, y, z), np.diag([0.5, 0.5, 1.0, 1.0])), box)
    files: dict[str, dict[str, Any]] = {}
    for case in range(cases):
        label = np.zeros(shape, np.int8)
        label[tuple(slice(size // 2 - 12, size // 2 + 12) for size in shape)] = 1
        volumes = {f"channel{c}": np.roll(noise, 1000 * case + c) for c in range(channels)} | {"residual": label}
        files[f"P{case}"] = {}
        for name, volume in volumes.items():
            path = folder / name / "batch" / f"P{case}.b2nd"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_channel(volume[None], crop, shape, patch, path)
            files[f"P{case}"][name] = {"path": str(path), "digest": digest(path)}
    patients = sorted(files)
    names = [{"name": f"channel{c}", "is_label": False} for c in range(channels)]
    groups = {"training": patients[2:], "validation": patients[:2]}
    write_json(folder / "fold0.json", {"channels": names, "files": files, **groups})
    print(json.dumps([{"bytes": sum(f.stat().st_size for f in folder.rglob("*.b2nd"))}]))


def begin(folder: Path, way: str, scratch: str, cold: str, settings: NnUNetSettings) -> None:
    """Time the beginning of a training up to its first step."""
    data, files = read_training_set(str(folder / "fold0.json"))
    for file in files if cold == "cold" else ():
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)
    times: dict[str, float] = {}
    begun = time.monotonic()

    def step(trainer: StudyTrainer, batch: Any) -> None:
        times["first step"] = time.monotonic() - begun
        raise BegunError

    StudyTrainer.train_step = step  # type: ignore[method-assign, assignment]
    if way == FIRST:
        # As it was: one file after the other, then the labels once more.
        for file, expected in files.items():
            require_unchanged(file, expected)
        dataset = StackedDataset(data.cases, data.references)
        for patient in data.cases:
            dataset.load_case(patient)
    out = folder / "out"
    out.mkdir(exist_ok=True)
    read = {} if way == FIRST else files
    with data_beside(data, read, out, scratch or None, print) as (near, watched), suppress(BegunError):
        train(near, settings, out, watched(lambda done, total: None))
    times["all verified"] = time.monotonic() - begun
    print(json.dumps([times]), flush=True)
    # Processes that load data still wait to hand over their batches.
    os._exit(0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    step, place, *rest = sys.argv[1:]
    if step == "make":
        asked = json.loads(rest[0])
        make(Path(place), asked["cases"], asked["channels"], asked["shape"], asked["patch"])
    else:
        way, scratch, cold, settings, os.environ["OMP_NUM_THREADS"] = rest
        begin(Path(place), way, scratch, cold, NnUNetSettings.model_validate_json(settings))
