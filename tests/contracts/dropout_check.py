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
from augmentation_check import PATIENTS, make_cases, of_agunet, of_nnunet
from prepared_channels import prepared_channels

from residua.images import volumes
from residua.images.volumes import Image
from residua.networks.cases import Channel, PreparedCase, TrainingSet
from residua.networks.registry import load_of, settings_of, train_of
from residua.settings.network import NetworkSettings

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


def main(arch: str, settings: NetworkSettings, folder: Path) -> dict[str, Any]:
    """What samples lack, and what a network says of a patient who lacks two channels."""
    make_cases(folder)
    make_more(folder)
    made = prepared_channels(arch, settings, folder, (*CHANNELS, ZEROS, RESIDUAL), PATIENTS)
    draw = {"nnunet": of_nnunet, "agunet": of_agunet}[arch]
    samples, whole = (
        np.array([[not channel.any() for channel in volume] for volume, _ in draw(data, settings, folder)])
        for data in (training_set(made, dropping(CHANNELS)), training_set(made, CHANNELS))
    )
    data = training_set(made, dropping(CHANNELS))
    train_of(arch)(data, settings, folder / "model", lambda done, total: None)
    network = load_of(arch)([folder / "model"])
    case = data.cases["P1"]
    without = network(replace(case, lacking=(1, 2))).data
    zeros = tuple(made["zeros", "P1"] if place in (1, 2) else file for place, file in enumerate(case.channels))
    return {
        "samples": len(samples),
        "lacking": samples.mean(axis=0).tolist(),
        "label_without_its_sequence": int((samples[:, 2] & ~samples[:, 3]).sum()),
        "lacking_without_dropout": whole[:, :3].sum(axis=0).tolist(),
        "difference_to_zeros": float(np.abs(without - network(replace(case, channels=zeros)).data).max()),
        "difference_to_whole": float(np.abs(without - network(case).data).max()),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], settings_of(sys.argv[1]).model_validate_json(sys.argv[2]), Path(sys.argv[3]))))
