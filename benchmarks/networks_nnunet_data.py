"""Random prepared patients for networks_nnunet_steps.py: the same in Residua's form and in nnU-Net's own."""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

if not importlib.util.find_spec("SimpleITK"):
    # nnU-Net imports it beside its other readers of images, and a training reads none.
    sys.modules["SimpleITK"] = ModuleType("SimpleITK")

import numpy as np
import yaml
from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetDatasetBlosc2
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from residua.images.volumes import Grid
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.nnunet.plans import CONFIGURATION, DATASET, make_dataset
from residua.networks.nnunet.prepared import write_channel
from residua.networks.nnunet.settings import NnUNetSettings
from residua.preparation.brain_crop import Crop

__all__ = ["Asked", "make", "nnUNetTrainer"]

HOUSE = Path(__file__).resolve().parent.parent
TOY = {"patch_size": (32, 48, 24), "features": (8, 16, 16, 32, 32)}
SEQUENCES = ("post_t1ce", "post_t1", "post_flair", "pre_t1ce", "pre_t1")


@dataclass(frozen=True)
class Asked:
    """What is measured; ``shape`` is that of a brain along z, y, x, ``batch`` replaces that of the network.

    ``brief`` leaves out all ways but the default and nnU-Net's own, and the loader alone.
    """

    channels: int = 4
    patients: int = 8
    steps: int = 20
    toy: bool = False
    seconds: float = 200.0
    shape: tuple[int, int, int] = (140, 340, 280)
    batch: int | None = None
    brief: bool = False

    @property
    def settings(self) -> NnUNetSettings:
        """The published network, or one of the same form that a processor trains in seconds."""
        given = yaml.safe_load((HOUSE / "config.yaml").read_text(encoding="utf-8"))["networks"]["nnunet"]
        batch = {"batch_size": self.batch} if self.batch else {}
        return NnUNetSettings.model_validate({**given, **(TOY if self.toy else {}), **batch})

    @property
    def sequences(self) -> tuple[Channel, ...]:
        """The channels, all of them images."""
        return tuple(Channel(name, is_label=False) for name in SEQUENCES[: self.channels])


def make(asked: Asked, folder: Path) -> TrainingSet:
    """Write the same random patients in both forms."""
    own = folder / "nnUNet_preprocessed" / DATASET
    data = own / f"residua_{CONFIGURATION}"
    data.mkdir(parents=True, exist_ok=True)
    names = [f"P{number:02d}" for number in range(asked.patients)]
    with multiprocessing.get_context("fork").Pool(min(asked.patients, os.cpu_count() or 1)) as pool:
        pool.starmap(make_patient, [(asked, folder, data, name) for name in names])
    split = len(names) - max(2, len(names) // 5)
    write(own / "splits_final.json", [{"train": names[:split], "val": names[split:]}])
    write(own / "dataset.json", make_dataset(asked.sequences))
    cases = {
        name: PreparedCase(name, tuple(folder / f"{channel.name}_{name}.b2nd" for channel in asked.sequences))
        for name in names
    }
    references = {name: folder / f"residual_{name}.b2nd" for name in names}
    return TrainingSet(asked.sequences, cases, references, tuple(names[:split]), tuple(names[split:]))


def make_patient(asked: Asked, folder: Path, own: Path, name: str) -> None:
    """Write a brain of noise with a small tumour in it."""
    shape, patch = asked.shape, list(reversed(asked.settings.patch_size))
    rng = np.random.default_rng(int(name[1:]))
    z, y, x = np.ogrid[tuple(slice(-1, 1, size * 1j) for size in shape)]
    brain = z**2 + y**2 + x**2 < 1
    images = [rng.standard_normal(shape, dtype=np.float32) * brain for _ in asked.sequences]
    tumour = (z - 0.3) ** 2 + (y - 0.3) ** 2 + (x - 0.3) ** 2 < 0.02
    reference = np.where(tumour, 1, np.where(brain, 0, -1)).astype(np.int8)
    depth, height, width = shape
    grid = Grid((width, height, depth), np.diag([0.5, 0.5, 1.0, 1.0]))
    crop = Crop(grid, (slice(0, width), slice(0, height), slice(0, depth)))
    named = zip((*(channel.name for channel in asked.sequences), "residual"), (*images, reference), strict=True)
    for channel, voxels in named:
        write_channel(voxels[None], crop, list(shape), patch, folder / f"{channel}_{name}.b2nd")
    found = {1: np.argwhere(reference[None] == 1)[:10_000]}
    stack, label = np.stack(images), reference[None].astype(np.int16)
    sizes = [comp_blosc2_params(each.shape, patch, each.itemsize) for each in (stack, label)]
    nnUNetDatasetBlosc2.save_case(
        stack, label, {"class_locations": found}, str(own / name), chunks=sizes[0][1], blocks=sizes[0][0],
        chunks_seg=sizes[1][1], blocks_seg=sizes[1][0],
    )  # fmt: skip


def write(path: Path, record: Any) -> None:
    """Write JSON."""
    path.write_text(json.dumps(record), encoding="utf-8")
