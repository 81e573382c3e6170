"""nnU-Net as a network of the study: prepare, train, predict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from residua.networks.contract import Network, Progress, TrainingSet
from residua.networks.nnunet.plans import CONFIGURATION, make_dataset, make_plans
from residua.networks.nnunet.predictor import DATASET_FILE, PLANS_FILE, WEIGHTS_FILE, EnsemblePredictor
from residua.networks.nnunet.prepared import SUFFIX, prepare_channel
from residua.networks.nnunet.trainer import CHECKPOINT, StudyTrainer
from residua.preparation import ChannelCase
from residua.publish import write_json


class NnUNet:
    """The contract of ``residua.networks.contract.Network``."""

    suffix = SUFFIX

    def prepare(self, cases: Sequence[ChannelCase], is_label: bool, settings: dict[str, Any], out: Path) -> None:
        """One channel of every case, normalised and resampled as nnU-Net does it."""
        for case in cases:
            prepare_channel(case, is_label, settings, out / f"{case.patient}{SUFFIX}")

    def train(
        self,
        data: TrainingSet,
        channels: Sequence[str],
        labels: Sequence[bool],
        settings: dict[str, Any],
        out: Path,
        progress: Progress,
    ) -> None:
        """Train one fold and leave weights, plans, dataset description and learning curve in ``out``."""
        plans, dataset = make_plans(settings, labels), make_dataset(channels)
        trainer = _trainer(plans, dataset, out)
        trainer.configure(data, settings, progress)
        trainer.initialize()
        checkpoint = out / CHECKPOINT
        if checkpoint.exists():
            trainer.load_checkpoint(str(checkpoint))
        trainer.run_training()
        mirror_axes = trainer.inference_allowed_mirroring_axes
        write_json(out / PLANS_FILE, {**plans, "mirror_axes": list(mirror_axes) if mirror_axes else None})
        write_json(out / DATASET_FILE, dataset)
        network = getattr(trainer.network, "_orig_mod", trainer.network)
        save_file({key: value.contiguous().cpu() for key, value in network.state_dict().items()}, out / WEIGHTS_FILE)
        for leftover in [checkpoint, *out.glob("training_log_*.txt")]:
            leftover.unlink(missing_ok=True)

    def load(self, models: Sequence[Path]) -> EnsemblePredictor:
        """The trained models, ready to predict."""
        return EnsemblePredictor(models, _device())


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _trainer(plans: dict[str, Any], dataset: dict[str, Any], out: Path) -> StudyTrainer:
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    torch.set_num_threads(threads)
    # With one thread the loader runs inside the training, which is then reproducible to the bit.
    os.environ["nnUNet_n_proc_DA"] = str(threads - 1)
    os.environ["nnUNet_results"] = str(out)
    trainer = StudyTrainer(dict(plans), CONFIGURATION, 0, dataset, _device())
    trainer.output_folder = str(out)
    return trainer


NETWORK: Network = NnUNet()
