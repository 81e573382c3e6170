"""Run nnU-Net's trainer with the study's numbers and data.

With one thread on a CPU, a resumed training equals an uninterrupted one to the bit. With more threads, the processes of
the loader draw numbers of their own.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sysconfig
from collections.abc import Sequence
from math import prod
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import torch
from batchgenerators.dataloading.single_threaded_augmenter import SingleThreadedAugmenter
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.default_n_proc_DA import get_allowed_n_proc_DA
from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels

from residua.networks.cases import TrainingSet
from residua.networks.contract import Progress
from residua.networks.divergence import Steps
from residua.networks.dropout import drops
from residua.networks.nnunet.augmentation import with_labels_apart, without_low_resolution, without_stopwatch
from residua.networks.nnunet.checkpoint import copied, state_of
from residua.networks.nnunet.dataset import StackedDataset
from residua.networks.nnunet.dropout import with_dropout
from residua.networks.nnunet.loader import Loader, PatchBatches, start_loader
from residua.networks.nnunet.sampling import patch_chances
from residua.networks.nnunet.settings import NnUNetSettings
from residua.networks.nnunet.speed import FASTEST
from residua.networks.shared_memory import require_room
from residua.networks.torch_scale import scaler_on
from residua.networks.unfinished import Unfinished
from residua.publishing.publish import write_text

CURVE = "curve.jsonl"
_CURVE_COLUMNS = {
    "train_loss": "train_losses",
    "validation_loss": "val_losses",
    "patch_dice": "mean_fg_dice",
    "learning_rate": "lrs",
}


class StudyTrainer(nnUNetTrainer):  # type: ignore[misc]
    """nnU-Net's own steps, loss, augmentation and schedule, with the study's data and numbers."""

    speed = FASTEST

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int,
        dataset_json: dict[str, Any],
        device: torch.device = torch.device("cuda"),  # noqa: B008 - nnU-Net inspects this signature
    ) -> None:
        """Take the arguments by name, because nnU-Net inspects this signature."""
        super().__init__(plans, configuration, fold, dataset_json, device)

    def print_to_log_file(self, *args: Any, also_print_to_console: bool = True, add_timestamp: bool = True) -> None:
        """Print to the rule's log, and write no log file of nnU-Net's own."""
        print(*args, flush=True)

    def configure(
        self, data: TrainingSet, settings: NnUNetSettings, out: Path, progress: Progress, unfinished: Unfinished
    ) -> None:
        """Replace nnU-Net's defaults and folder by those of the study."""
        self.output_folder = str(out)
        self._data, self._settings, self._progress, self._unfinished = data, settings, progress, unfinished
        self._steps = Steps()
        self.dataset_class = StackedDataset
        self.initial_lr = settings.learning_rate
        self.weight_decay = settings.weight_decay
        self.oversample_foreground_percent = settings.foreground_oversampling
        self.num_iterations_per_epoch = settings.steps_of_epoch(len(data.training))
        self.num_val_iterations_per_epoch = settings.validation_iterations_per_epoch
        self.num_epochs = settings.epochs

    def initialize(self) -> None:
        """Build network, optimiser and loss; nnU-Net's own version also looks for a preprocessed folder."""
        self.speed.set_up()
        self._reseed(epoch=-1)
        self._set_batch_size_and_oversample()
        self.num_input_channels = determine_num_input_channels(
            self.plans_manager, self.configuration_manager, self.dataset_json
        )
        self.network = self.build_network_architecture(
            self.plans_manager,
            self.configuration_manager,
            self.num_input_channels,
            self.label_manager.num_segmentation_heads,
            self.enable_deep_supervision,
        ).to(self.device)
        if self._channels_last():
            self.network = self.network.to(memory_format=torch.channels_last_3d)
        if self._do_i_compile():
            self.network = torch.compile(self.network)
        self.optimizer, self.lr_scheduler = self.configure_optimizers()
        if self.device.type == "cpu":
            # nnU-Net has one on a GPU alone.
            self.grad_scaler = scaler_on(self.device)
        self.loss = self._build_loss()
        self.was_initialized = True

    def _do_i_compile(self) -> bool:
        """Decide like nnU-Net, but only where Triton can compile; elsewhere a training would end at its first step."""
        header = Path(sysconfig.get_path("include"), "Python.h").is_file()
        compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
        return self.speed.compiled and bool(super()._do_i_compile()) and header and bool(compiler)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Run nnU-Net's step on a batch in the memory layout of the network."""
        self._unfinished.leave_if_asked()
        step = dict(super().train_step(self._laid_out(batch)))
        self._steps.after(batch["keys"], bool(np.isfinite(step["loss"])), self._finite_weights)
        return step

    def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Run the same step without learning."""
        self._unfinished.leave_if_asked()
        return dict(super().validation_step(self._laid_out(batch)))

    def _finite_weights(self) -> bool:
        return all(bool(torch.isfinite(weights).all()) for weights in self.network.parameters())

    def _channels_last(self) -> bool:
        return self.device.type == "cuda" and self.speed.channels_last

    def _laid_out(self, batch: dict[str, Any]) -> dict[str, Any]:
        if self._channels_last():
            layout = torch.channels_last_3d
            batch["data"] = batch["data"].to(self.device, non_blocking=True, memory_format=layout)
        return batch

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, PolyLRScheduler]:
        """Configure SGD with the study's Nesterov momentum and polynomial decay."""
        optimizer = torch.optim.SGD(
            self.network.parameters(),
            self.initial_lr,
            weight_decay=self.weight_decay,
            momentum=self._settings.momentum,
            nesterov=True,
        )
        return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs)

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> Any:  # noqa: N802 - an override
        """Configure nnU-Net's augmentation ranges, with mirroring only if the settings keep it."""
        rotation, flat, initial_patch_size, mirror_axes = (
            super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        )
        if not self._settings.mirrors:
            mirror_axes = self.inference_allowed_mirroring_axes = None
        return rotation, flat, initial_patch_size, mirror_axes

    def get_training_transforms(self, *ranges: Any, use_mask_for_norm: list[bool], **options: Any) -> ComposeTransforms:
        """Return nnU-Net's own augmentation, under which a label among the channels stays a label."""
        channels = self._data.channels
        is_label = [channel.is_label for channel in channels]
        of_images = [masked for masked, label in zip(use_mask_for_norm, is_label, strict=True) if not label]
        made = super().get_training_transforms(*ranges, use_mask_for_norm=of_images, **options)
        made = made if get_allowed_n_proc_DA() else without_stopwatch(made)
        if self._settings.augmentation == "article":
            made = without_low_resolution(made)
        whole = with_labels_apart(made, is_label) if any(is_label) else made
        return with_dropout(whole, channels) if drops(channels) else whole

    def get_dataloaders(self) -> tuple[Any, Any]:
        """Start nnU-Net's loaders of training and validation, as many processes as it would start itself."""
        rotation, flat, larger, mirror_axes = self.configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        scales, patch = self._get_deep_supervision_scales(), self.configuration_manager.patch_size
        masked = self.configuration_manager.use_mask_for_norm
        varied = self.get_training_transforms(patch, rotation, scales, mirror_axes, flat, use_mask_for_norm=masked)
        plain = self.get_validation_transforms(scales)
        training, validation = self.get_tr_and_val_datasets()
        chances = patch_chances(self._data, self._settings)
        batches = self._batches(training, larger, varied, chances), self._batches(validation, patch, plain)
        processes = get_allowed_n_proc_DA()
        loaders = (
            self._started(batches, processes) if processes else [SingleThreadedAugmenter(b, None) for b in batches]
        )
        for loader in loaders:
            next(loader)
        return loaders[0], loaders[1]

    def _batches(
        self,
        dataset: StackedDataset,
        patch_size: Sequence[int],
        transforms: ComposeTransforms,
        chances: Sequence[float] | None = None,
    ) -> PatchBatches:
        return PatchBatches(
            dataset,
            self.batch_size,
            patch_size,
            self.configuration_manager.patch_size,
            self.label_manager,
            oversample_foreground_percent=self.oversample_foreground_percent,
            sampling_probabilities=chances,
            transforms=transforms,
        )

    def _started(self, batches: tuple[PatchBatches, PatchBatches], processes: int) -> list[Loader]:
        # nnU-Net's numbers of processes, and of batches that wait in each of two queues.
        sizes = (processes, max(6, processes // 2)), (max(1, processes // 2), max(3, processes // 4))
        held = sum(each + 2 * cached + 2 for each, cached in sizes)
        require_room(self.batch_size * prod(batches[0].final_patch_size), self.num_input_channels, held)
        pinned = self.device.type == "cuda"
        return [start_loader(b, *size, pinned) for b, size in zip(batches, sizes, strict=True)]

    def get_tr_and_val_datasets(self) -> tuple[StackedDataset, StackedDataset]:
        """Return the datasets of the study's split."""
        return self._subset(self._data.training), self._subset(self._data.validation)

    def _subset(self, patients: tuple[str, ...]) -> StackedDataset:
        return StackedDataset(
            {patient: self._data.cases[patient] for patient in patients},
            {patient: self._data.references[patient] for patient in patients},
        )

    def on_train_start(self) -> None:
        """Open the data; nnU-Net's own version also copies files of its planning."""
        if not self.was_initialized:
            self.initialize()
        # Loader processes inherit these random numbers; a resumed training must not repeat those of its start.
        self._reseed(self.current_epoch)
        self.dataloader_train, self.dataloader_val = self.get_dataloaders()
        self.set_deep_supervision_enabled(self.enable_deep_supervision)

    def on_epoch_start(self) -> None:
        """Seed each epoch's random numbers from the seed and the epoch, wherever the training began."""
        self._progress(self.current_epoch, self.num_epochs)
        self._reseed(self.current_epoch)
        self._steps = Steps()
        super().on_epoch_start()

    def _reseed(self, epoch: int) -> None:
        seed = (self._settings.seed + epoch) % 2**32
        random.seed(seed)
        np.random.seed(seed)
        torch.manual_seed(seed)

    def on_train_epoch_end(self, train_outputs: list[dict[str, Any]]) -> None:
        """Log the mean of the finite losses. Raises ``ResiduaError`` when the training has diverged."""
        self._steps.require_convergence("nnunet", self.current_epoch, self._finite_weights())
        super().on_train_epoch_end([step for step in train_outputs if np.isfinite(step["loss"])])

    def on_epoch_end(self) -> None:
        """Write the learning curve and, every so many epochs, the state from which a training resumes."""
        self.logger.log("epoch_end_timestamps", time(), self.current_epoch)
        write_text(Path(self.output_folder) / CURVE, self._curve())
        self.current_epoch += 1
        self._unfinished.after(self.current_epoch, copied(state_of(self)))

    def _curve(self) -> str:
        lines = []
        for epoch in range(self.current_epoch + 1):
            values = {name: float(self.logger.get_value(key, epoch)) for name, key in _CURVE_COLUMNS.items()}
            finite = {name: value if np.isfinite(value) else None for name, value in values.items()}
            lines.append(json.dumps({"epoch": epoch, **finite}))
        return "\n".join(lines) + "\n"

    def on_train_end(self) -> None:
        """End the processes of the loader.

        nnU-Net's own version also writes a checkpoint, and its caller the weights.
        """
        for loader in (self.dataloader_train, self.dataloader_val):
            if hasattr(loader, "_finish"):
                loader._finish()
