"""Trainings with steps that are not finite, in a network's environment: divergence_check.py ARCH SETTINGS FOLDER.

Prints, by the steps, what came of each training.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from augmentation_check import IMAGE, TUMOUR, make_cases, prepared, training_set
from safetensors.numpy import load_file

from residua.errors import ResiduaError
from residua.networks.cases import TrainingSet
from residua.networks.registry import settings_of, train_of

CASES: dict[str, set[int]] = {
    "none": set(),
    "one": {3},
    "six of an epoch": set(range(1, 7)),
    "six apart": {1, 4, 7, 9, 11, 14},
}
"""Steps of the training whose loss is infinite; an epoch has eight."""


def infinite_in_nnunet(steps: set[int]) -> None:
    """Make the loss of these training steps infinite."""
    import torch

    from residua.networks.nnunet.trainer import StudyTrainer

    built = StudyTrainer.__mro__[1]._build_loss

    def build(trainer: Any) -> Any:
        loss, done = built(trainer), iter(range(10**6))
        return lambda *given: loss(*given) * (np.inf if torch.is_grad_enabled() and next(done) in steps else 1.0)

    StudyTrainer._build_loss = build


def infinite_in_agunet(steps: set[int]) -> None:
    """Give these training steps infinite voxels."""
    from residua.networks.agunet import train
    from residua.networks.agunet.batches import Batches

    class Infinite(Batches):
        def __getitem__(self, index: int) -> Any:
            volumes, targets = super().__getitem__(index)
            infinite = self._seed is not None and self._seed[1] * len(self) + index in steps
            return volumes * np.float32(np.inf if infinite else 1), targets

    train.Batches = Infinite


def damaged_in_a_thread(data: TrainingSet, settings: Any, out: Path) -> str:
    """What AGU-Net's training says when one of two threads that read its batches meets a file that was cut off."""
    from residua.networks.agunet import train
    from residua.networks.agunet.batches import Batches

    class Threaded(Batches):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments[:-1], 2)

    train.Batches = Threaded
    file = data.cases["P2"].channels[1]
    file.write_bytes(file.read_bytes()[:1000])
    out.mkdir()
    try:
        train_of("agunet")(data, settings, out, lambda done, total: None)
    except ResiduaError as error:
        return str(error).replace(str(file.parent), "FOLDER")
    return "trained"


def infinite_in_segresnet(steps: set[int]) -> None:
    """Make the loss of these training steps infinite."""
    import torch

    from residua.networks.segresnet.train import _Training

    computed, done = _Training._loss_of, iter(range(10**6))

    def loss_of(training: _Training, *given: Any) -> Any:
        infinite = torch.is_grad_enabled() and next(done) in steps
        return computed(training, *given) * (np.inf if infinite else 1.0)

    _Training._loss_of = loss_of  # type: ignore[method-assign]


INFINITE = {"nnunet": infinite_in_nnunet, "agunet": infinite_in_agunet, "segresnet": infinite_in_segresnet}


def endings(arch: str, given: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What came of each training."""
    settings = settings_of(arch).model_validate(given)
    make_cases(folder)
    data = training_set(prepared(arch, settings, folder), (IMAGE, TUMOUR))
    if arch == "agunet":
        # Eight steps of an epoch, as nnU-Net has by its settings.
        data = type(data)(data.channels, data.cases, data.references, data.training * 4, data.validation)
    record: dict[str, Any] = {}
    for name, steps in CASES.items():
        INFINITE[arch](steps)
        out = folder / name
        out.mkdir()
        try:
            train_of(arch)(data, settings, out, lambda done, total: None)
        except ResiduaError as error:
            record[name] = str(error)
            continue
        curve = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
        weights = load_file(out / "weights.safetensors")
        record[name] = {
            "losses": [epoch["train_loss"] for epoch in curve],
            "finite": bool(all(np.isfinite(array).all() for array in weights.values())),
            "sum": float(sum(np.abs(array).sum() for array in weights.values())),
        }
    if arch == "agunet":
        record["damaged"] = damaged_in_a_thread(data, settings, folder / "damaged")
    return record


if __name__ == "__main__":
    print("\n" + json.dumps(endings(sys.argv[1], json.loads(sys.argv[2]), Path(sys.argv[3]))))
