"""Channels that a sample or a patient lacks, in a network's environment.

python dropout_check.py ARCH SETTINGS FOLDER prints one JSON record.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from augmentation_check import DRAW, PATIENTS, make_cases
from prepared_channels import prepared_channels
from scipy import ndimage

from residua.images import volumes
from residua.images.volumes import Image, box_around
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.registry import load_of, prepare_of, settings_of, train_of
from residua.networks.unfinished import Unfinished
from residua.preparation.cases import ChannelCase, RegionLabel
from residua.settings.network import NetworkSettings
from residua.settings.region import WithRegion

T1CE, FLAIR, BEFORE, TUMOUR, ZEROS, RESIDUAL = (
    Channel(name, name in ("pre_tumor", "residual"))
    for name in ("post_t1ce", "post_flair", "pre_t1ce", "pre_tumor", "zeros", "residual")
)
CHANNELS = (T1CE, FLAIR, BEFORE, TUMOUR)
SHARE = 0.4


def make_more(folder: Path) -> None:
    """Give every patient further sequences, and a scan of zeros."""
    for index, patient in enumerate(PATIENTS):
        head = volumes.load(folder / f"{patient}_post_t1ce.nii.gz")
        rng = np.random.default_rng(index)
        for channel in (FLAIR, BEFORE):
            noisy = (head.data * rng.uniform(0.5, 1.5, head.data.shape)).astype(np.float32)
            volumes.save(Image(noisy, head.grid), folder / f"{patient}_{channel.name}.nii.gz")
        volumes.save(Image(np.zeros_like(head.data), head.grid), folder / f"{patient}_zeros.nii.gz")


def training_set(made: dict[tuple[str, str], Path], channels: tuple[Channel, ...]) -> TrainingSet:
    """A training on these channels."""
    cases = {p: PreparedCase(p, tuple(made[channel.name, p] for channel in channels)) for p in PATIENTS}
    return TrainingSet(channels, cases, {p: made["residual", p] for p in PATIENTS}, PATIENTS, PATIENTS)


def dropping(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """The same channels, of which a sample may lack each but the reference."""
    drawn_on = {"pre_tumor": "pre_t1ce"}
    return (channels[0], *(replace(c, dropout=SHARE, drawn_on=drawn_on.get(c.name)) for c in channels[1:]))


def balanced(made: dict[tuple[str, str], Path], settings: Any, folder: Path) -> list[Any]:
    """What nnU-Net's loaders and epochs are where one of three patients has a tumour of the size that counts."""
    from residua.networks.nnunet.plans import make_dataset, make_plans
    from residua.networks.nnunet.train import new_trainer

    two = training_set(made, (T1CE,))
    # P2's tumour is cut less by the brain's edge; P3 is P1 once more.
    names = ("P1", "P2", "P3")
    cases, references = ({n: files["P1" if n == "P3" else n] for n in names} for files in (two.cases, two.references))
    drawn = [volumes.load_mask(folder / f"{patient}_residual.nii.gz") for patient in PATIENTS]
    between = float(np.mean([mask.data.sum() * mask.grid.voxel_ml for mask in drawn]))
    chosen = settings.model_copy(update={"sampling": "balanced", "sampling_residual_ml": between})
    data = replace(two, cases=cases, references=references, training=names)
    trainer = new_trainer(make_plans(chosen, data.channels), make_dataset(data.channels))
    trainer.configure(data, chosen, folder, lambda done, total: None, Unfinished(folder, ".pth", 1))
    trainer.on_train_start()
    loaders = (trainer.dataloader_train, trainer.dataloader_val)
    return [trainer.num_iterations_per_epoch, *(loader.data_loader.sampling_probabilities for loader in loaders)]


def confined(arch: str, settings: NetworkSettings, folder: Path, network: Any) -> dict[str, Any]:
    """What a model sees and finds of a patient around a label, against what it sees of the whole brain."""
    label = RegionLabel(folder / "P1_pre_tumor.nii.gz", 4.0)
    out = folder / "confined"
    out.mkdir()
    files = []
    for channel in CHANNELS:
        (out / channel.name).mkdir()
        scan = folder / f"P1_{channel.name}.nii.gz"
        case = ChannelCase("P1", scan, folder / "P1_brain.nii.gz", region=label)
        prepare_of(arch)([case], channel.is_label, settings.preparation(), out / channel.name)
        files += list((out / channel.name).iterdir())
    found = network(PreparedCase("P1", tuple(files))).data
    mask = volumes.load_mask(label.label)
    inside = np.zeros(mask.data.shape, dtype=bool)
    inside[box_around(mask.grid, mask.data, label.margin_mm)] = True
    seen = network.read(PreparedCase("P1", tuple(files)))
    values = seen.data[0].numpy() if arch == "nnunet" else seen[0][0, ..., 0]
    head, brain = volumes.load(folder / "P1_post_t1ce.nii.gz").data, volumes.load_mask(folder / "P1_brain.nii.gz").data
    over = head[brain] if arch == "nnunet" else head[ndimage.find_objects(brain.astype(int))[0]]
    normalised = (head - over.mean()) / over.std()
    return {
        "outside": float(np.abs(found[~inside]).max()),
        "inside": float(found[inside & brain].min()),
        "brightest": [float(np.percentile(values, 80)), float(np.percentile(normalised[mask.data], 50))],
    }


def main(arch: str, settings: NetworkSettings, folder: Path) -> dict[str, Any]:
    """What samples lack, and what a network says of a patient who lacks two channels."""
    make_cases(folder)
    make_more(folder)
    made = prepared_channels(arch, settings, folder, (*CHANNELS, ZEROS, RESIDUAL), PATIENTS)
    samples, whole = (
        np.array([[not channel.any() for channel in volume] for volume, _ in DRAW[arch](data, settings, folder)])
        for data in (training_set(made, dropping(CHANNELS)), training_set(made, CHANNELS))
    )
    data = training_set(made, dropping(CHANNELS))
    train_of(arch)(data, settings, folder / "model", lambda done, total: None)
    network = load_of(arch)([folder / "model"])
    case = data.cases["P1"]
    without = network(replace(case, lacking=(1, 2))).data
    zeros = tuple(made["zeros", "P1"] if place in (1, 2) else file for place, file in enumerate(case.channels))
    return {
        "confined": confined(arch, settings, folder, network) if isinstance(settings, WithRegion) else None,
        "balanced": balanced(made, settings, folder) if arch == "nnunet" else None,
        "samples": len(samples),
        "lacking": samples.mean(axis=0).tolist(),
        "label_without_its_sequence": int((samples[:, 2] & ~samples[:, 3]).sum()),
        "lacking_without_dropout": whole[:, :3].sum(axis=0).tolist(),
        "difference_to_zeros": float(np.abs(without - network(replace(case, channels=zeros)).data).max()),
        "difference_to_whole": float(np.abs(without - network(case).data).max()),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], settings_of(sys.argv[1]).model_validate_json(sys.argv[2]), Path(sys.argv[3]))))
