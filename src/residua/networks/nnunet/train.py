"""Train one nnU-Net."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from residua.networks.cases import TrainingSet
from residua.networks.contract import Progress
from residua.networks.nnunet.checkpoint import read_checkpoint, resume
from residua.networks.nnunet.plans import (
    CONFIGURATION,
    DATASET_FILE,
    INFERENCE,
    PLANS_FILE,
    WEIGHTS_FILE,
    make_dataset,
    make_plans,
)
from residua.networks.nnunet.pretrained import start_from
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.nnunet.speed import set_threads
from residua.networks.nnunet.trainer import StudyTrainer
from residua.networks.torch_weights import load_weights, tensors_of
from residua.networks.unfinished import Unfinished
from residua.publishing.publish import write_json, writing


def train(data: TrainingSet, settings: NnUNetSettings, out: Path, progress: Progress) -> None:
    """Fulfil ``residua.networks.contract.Train``; leave weights, plans, dataset description and curve."""
    with Unfinished(out, ".pth", settings.save_every_epochs) as unfinished:
        if (out / WEIGHTS_FILE).exists() and not unfinished.exists():
            return  # A complete training that was killed before its folder was published.
        plans, dataset = make_plans(settings, data.channels), make_dataset(data.channels)
        trainer = new_trainer(plans, dataset)
        trainer.configure(data, settings, out, progress, unfinished)
        trainer.initialize()
        if state := unfinished.restore(partial(read_checkpoint, device=trainer.device)):
            resume(trainer, state)
        elif data.start:
            load_weights(_plain(trainer), data.start / WEIGHTS_FILE, PLANS_FILE)
        elif settings.initial_weights:
            random = start_from(_plain(trainer), settings.initial_weights)
            print(f"The training starts from {settings.initial_weights.file}; at random: {random}.", flush=True)
        trainer.run_training()
        write_json(out / PLANS_FILE, {**plans, INFERENCE: _inference(trainer, settings)})
        write_json(out / DATASET_FILE, dataset)
        with writing(out / WEIGHTS_FILE) as beside:
            save_file(tensors_of(_plain(trainer)), beside)
        unfinished.remove()
        progress(settings.epochs, settings.epochs)


def _plain(trainer: StudyTrainer) -> torch.nn.Module:
    """Return the network itself, which torch.compile wraps."""
    network: torch.nn.Module = getattr(trainer.network, "_orig_mod", trainer.network)
    return network


def _inference(trainer: StudyTrainer, settings: NnUNetSettings) -> dict[str, Any]:
    mirror_axes = trainer.inference_allowed_mirroring_axes
    return {"mirror_axes": list(mirror_axes) if mirror_axes else None, "tile_step": settings.tile_step}


def new_trainer(plans: dict[str, Any], dataset: dict[str, Any]) -> StudyTrainer:
    """Return a trainer on the card, if there is one, and as many processes for its data as the job has threads left."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # With one thread the loader runs inside the training, which is then reproducible to the bit.
    os.environ["nnUNet_n_proc_DA"] = str(set_threads(device) - 1)  # noqa: SIM112 - nnU-Net's name
    with tempfile.TemporaryDirectory(prefix="nnunet-") as log_folder:
        # nnU-Net opens a log of its own at the start; the rule's log has its output already.
        os.environ["nnUNet_results"] = log_folder  # noqa: SIM112 - nnU-Net's name
        trainer = StudyTrainer(dict(plans), CONFIGURATION, 0, dataset, device)
    return trainer
