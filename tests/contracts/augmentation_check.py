"""Augmented training samples with labels among the channels, in a network's environment.

python augmentation_check.py ARCH SETTINGS FOLDER prints one JSON record for each order of the channels. Every variation
of the network is forced on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prepared_channels import prepared_channels

from residua.images import volumes
from residua.images.volumes import Grid, Image
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.registry import settings_of
from residua.settings.network import NetworkSettings

PATIENTS = ("P1", "P2")
IMAGE, TUMOUR, BRAIN = Channel("post_t1ce", False), Channel("pre_tumor", True), Channel("brain", True)
ORDERS = ((IMAGE, TUMOUR, BRAIN), (TUMOUR, IMAGE, IMAGE, BRAIN), (TUMOUR, BRAIN))
BATCHES = 30
Sample = tuple[NDArray[Any], NDArray[Any]]
"""Channels (channels, three axes) and the reference standard of one patient."""


def make_cases(folder: Path) -> None:
    """Heads whose tumour, the same before and after surgery, reaches the brain's edge."""
    grid = Grid((40, 44, 36), np.diag([2.0, 2.0, 2.5, 1.0]))
    rng = np.random.default_rng(0)
    x, y, z = np.indices(grid.shape)
    brain = ((x - 20) / 17) ** 2 + ((y - 22) / 19) ** 2 + ((z - 18) / 15) ** 2 < 1
    for index, patient in enumerate(PATIENTS):
        tumour = brain & ((x - 8 - index) ** 2 + (y - 14) ** 2 + (z - 18) ** 2 < 8**2)
        head = (rng.normal(100, 5, grid.shape) + 80 * tumour).astype(np.float32) * brain
        for name, data in (("brain", brain), ("post_t1ce", head), ("pre_tumor", tumour), ("residual", tumour)):
            volumes.save(Image(data, grid), folder / f"{patient}_{name}.nii.gz")


def prepared(arch: str, settings: NetworkSettings, folder: Path) -> dict[tuple[str, str], Path]:
    """Every prepared channel by its name and the patient."""
    return prepared_channels(arch, settings, folder, (IMAGE, TUMOUR, BRAIN, Channel("residual", True)), PATIENTS)


def training_set(made: dict[tuple[str, str], Path], channels: tuple[Channel, ...]) -> TrainingSet:
    """A training on these channels."""
    cases = {p: PreparedCase(p, tuple(made[channel.name, p] for channel in channels)) for p in PATIENTS}
    return TrainingSet(channels, cases, {p: made["residual", p] for p in PATIENTS}, PATIENTS, PATIENTS)


def of_nnunet(data: TrainingSet, settings: Any, folder: Path, moved: float = 1) -> Iterator[Sample]:
    """The samples of nnU-Net's own loader; a share of them is rotated, and as many scaled."""
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    from residua.networks.nnunet.plans import make_dataset, make_plans
    from residua.networks.nnunet.train import new_trainer
    from residua.networks.unfinished import Unfinished

    trainer = new_trainer(make_plans(settings, data.channels), make_dataset(data.channels))
    trainer.configure(data, settings, folder, lambda done, total: None, Unfinished(folder, ".pth", 1))
    trainer.on_train_start()
    loader = trainer.dataloader_train
    for step in loader.data_loader.transforms.transforms:
        if isinstance(step, SpatialTransform):
            step.p_rotation = step.p_scaling = moved
        if isinstance(step, RandomTransform):
            step.apply_probability = 1
    trainer._reseed(0)
    for _ in range(BATCHES):
        batch = next(loader)
        yield from zip(batch["data"].numpy(), batch["target"][0].numpy()[:, 0], strict=True)


def read_whole_and_in_part(data: TrainingSet, settings: Any, folder: Path) -> dict[str, Any]:
    """How far samples of which only a part was read are from those that nnU-Net reads whole, and the share read."""
    from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader

    from residua.networks.nnunet.loader import PatchBatches
    from residua.networks.nnunet.prepared import StackedChannels

    read, of_file, in_part = [0], StackedChannels._part, PatchBatches.get_bbox

    def counted(channels: Any, row: int, place: Any) -> Any:
        part = of_file(channels, row, place)
        read[-1] += part.size
        return part

    StackedChannels._part = counted  # type: ignore[method-assign]
    parts = list(of_nnunet(data, settings, folder, moved=0.3))
    read.append(0)
    PatchBatches.get_bbox = nnUNetDataLoader.get_bbox
    whole = list(of_nnunet(data, settings, folder, moved=0.3))
    StackedChannels._part, PatchBatches.get_bbox = of_file, in_part  # type: ignore[method-assign]
    apart = [
        max(np.abs(x - y).max() for x, y in zip(one, other, strict=True))
        for one, other in zip(parts, whole, strict=True)
    ]
    return {"samples": len(apart), "apart": float(max(apart)), "read": read[0] / read[1]}


def of_agunet(data: TrainingSet, settings: Any, folder: Path) -> Iterator[Sample]:
    """The samples of the batches that Keras gets."""
    from residua.networks.agunet.batches import Batches

    for epoch in range(BATCHES):
        drawn = Batches(data, PATIENTS, [(1, 1, 1)], settings, seed=(1, epoch))
        for number in range(len(drawn)):
            volumes_of, (targets,) = drawn[number]
            yield from zip(np.moveaxis(volumes_of, -1, 1), targets[..., 1], strict=True)


def of_segresnet(data: TrainingSet, settings: Any, folder: Path) -> Iterator[Sample]:
    """The patches that MONAI's network gets."""
    from residua.networks.segresnet.augmentation import PatchVariation
    from residua.networks.segresnet.framework import set_up
    from residua.networks.segresnet.patches import Patches, WantedPatch, tumours_of

    set_up()
    variation = PatchVariation(settings, [channel.is_label for channel in data.channels])
    for step in variation.steps.transforms:
        step.prob = 1.0
    patches = Patches(data, tumours_of(data), settings, variation)
    for epoch in range(BATCHES):
        for number, patient in enumerate(PATIENTS):
            channels, truth = patches[WantedPatch(patient, number, (1, epoch), varied=True)]
            yield channels.numpy(), truth.numpy()[0]


DRAW = {"nnunet": of_nnunet, "agunet": of_agunet, "segresnet": of_segresnet}


def judged(samples: list[Sample], of_images_alone: list[Sample], channels: tuple[Channel, ...]) -> dict[str, Any]:
    """What the test asks of the samples; ``of_images_alone`` come from a training without the labels."""
    is_label = np.array([channel.is_label for channel in channels])
    labels = np.stack([channel[is_label] for channel, _ in samples])
    tumour, brain = labels[:, 0] > 0, labels[:, -1] > 0
    target = np.stack([target for _, target in samples]) > 0
    images = [channel[~is_label] for channel, _ in samples]
    alone = [channel for channel, _ in of_images_alone]
    return {
        "channels": [channel.name for channel in channels],
        "values": np.unique(labels).tolist(),
        "samples_with_tumour": int(tumour.any(axis=(1, 2, 3)).sum()),
        "different_samples": len({sample.tobytes() for sample in tumour}),
        "outside_the_brain": int((tumour & ~brain).sum()),
        "dice_with_the_reference": float(2 * (tumour & target).sum() / (tumour.sum() + target.sum())),
        "difference_of_images": float(max(np.abs(a - b).max(initial=0) for a, b in zip(images, alone, strict=True)))
        if alone
        else 0.0,
    }


def records(arch: str, settings: NetworkSettings, folder: Path) -> Iterator[dict[str, Any]]:
    """The record of each order of the channels."""
    make_cases(folder)
    made, draw = prepared(arch, settings, folder), DRAW[arch]
    for channels in ORDERS:
        images = tuple(channel for channel in channels if not channel.is_label)
        alone = list(draw(training_set(made, images), settings, folder)) if images else []
        yield judged(list(draw(training_set(made, channels), settings, folder)), alone, channels)
    if arch == "nnunet":
        yield {"in_part": read_whole_and_in_part(training_set(made, ORDERS[0]), settings, folder)}


if __name__ == "__main__":
    given = settings_of(sys.argv[1]).model_validate_json(sys.argv[2])
    for record in records(sys.argv[1], given, Path(sys.argv[3])):
        print(json.dumps(record))
