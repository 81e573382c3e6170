"""Whose trainings networks_nnunet_steps.py measures: Residua's trainer, and nnU-Net's own as its command sets it up."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from networks_nnunet_data import Asked, nnUNetTrainer
from residua.networks.cases import TrainingSet
from residua.networks.nnunet.plans import CONFIGURATION, make_dataset, make_plans
from residua.networks.nnunet.speed import Speed
from residua.networks.nnunet.train import new_trainer
from residua.networks.nnunet.trainer import StudyTrainer
from residua.networks.unfinished import Unfinished


@dataclass(frozen=True)
class Way:
    """One way of training: Residua's trainer as ``speed`` says, or nnU-Net's own (None), compiled or not."""

    name: str
    speed: Speed | None
    compiled: bool


def ways(on_card: bool, brief: bool) -> list[Way]:
    """Return the ways in the order of their weight: the last ones may be left out."""
    if not on_card:
        return [Way("Residua", Speed(), False), Way("nnU-Net's own trainer", None, False)]
    if brief:
        pairs = [(Way("nnU-Net's own trainer", None, c), Way("Residua", Speed(compiled=c), c)) for c in (True, False)]
        return [way for pair in pairs for way in pair]
    plain = [
        Speed(channels_last=last, tries_kernels=tries, compiled=False, bfloat16=brief)
        for brief in (False, True)
        for tries in (True, False)
        for last in (True, False)
    ]
    compiled = [replace(speed, compiled=True) for speed in plain]
    # To compile takes most of the time.
    ours = [*plain, *compiled[:2], *compiled[4:6], *compiled[2:4], *compiled[6:]]
    own = [Way("nnU-Net's own trainer", None, compiles) for compiles in (True, False)]
    return [*own, *(Way("Residua", speed, speed.compiled) for speed in ours)]


class Side:
    """A trainer whose loaders stay from way to way."""

    _loaders: Any = None

    def end(self) -> None:
        """End the processes of the loaders."""
        for loader in self._loaders or ():
            if hasattr(loader, "_finish"):
                loader._finish()
        self._loaders = None


class Ours(Side):
    """Residua's trainer."""

    def __init__(self, asked: Asked, data: TrainingSet, out: Path) -> None:
        self._asked, self._data, self._out = asked, data, out

    def trainer(self, way: Way) -> StudyTrainer:
        """Return a new trainer that has its loaders."""
        assert way.speed
        settings = self._asked.settings
        trainer = new_trainer(make_plans(settings, self._data.channels), make_dataset(self._data.channels))
        trainer.speed = way.speed
        unfinished = Unfinished(self._out, ".pth", settings.save_every_epochs)
        trainer.configure(self._data, settings, self._out, lambda done, total: None, unfinished)
        trainer.initialize()
        if self._loaders is None:
            self._loaders = trainer.get_dataloaders()
        trainer.dataloader_train, trainer.dataloader_val = self._loaders
        return trainer


class Own(Side):
    """nnU-Net's own trainer as its own command sets it up."""

    def __init__(self, asked: Asked, folder: Path) -> None:
        self._asked = asked
        os.environ |= {name: str(folder / name) for name in ("nnUNet_preprocessed", "nnUNet_results", "nnUNet_raw")}

    def trainer(self, way: Way) -> nnUNetTrainer:
        """Return a new trainer that has its loaders."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_num_threads(1 if device.type == "cuda" else int(os.environ["OMP_NUM_THREADS"]))
        Speed(tries_kernels=True).set_up()
        os.environ |= {"nnUNet_compile": str(way.compiled), "nnUNet_n_proc_DA": os.environ["OMP_NUM_THREADS"]}
        plans = make_plans(self._asked.settings, self._asked.sequences)
        trainer = nnUNetTrainer(plans, CONFIGURATION, 0, make_dataset(self._asked.sequences), device)
        trainer.initialize()
        if self._loaders is None:
            self._loaders = trainer.get_dataloaders()
        trainer.dataloader_train, trainer.dataloader_val = self._loaders
        return trainer
