"""Train one SegResNet.

With one thread on a processor, a resumed training equals an uninterrupted one to the bit. On a GPU it need not: the
gradient of a linear interpolation adds up in another order each time.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.losses import DiceCELoss
from monai.optimizers import WarmupCosineSchedule
from safetensors.torch import save_file

from residua.networks.cases import TrainingSet
from residua.networks.contract import Progress
from residua.networks.divergence import Steps
from residua.networks.segresnet.augmentation import PatchVariation
from residua.networks.segresnet.batches import Batch, PatchLoader
from residua.networks.segresnet.checkpoint import TrainingState, captured, restore
from residua.networks.segresnet.framework import set_up
from residua.networks.segresnet.model import build_network
from residua.networks.segresnet.names import NETWORK_FILE, WEIGHTS_FILE, description
from residua.networks.segresnet.patches import Patches, WantedPatch, tumours_of
from residua.networks.segresnet.sampling import epochs_of
from residua.networks.segresnet.settings import SegResNetSettings
from residua.networks.torch_scale import scaler_on
from residua.networks.torch_weights import load_weights, tensors_of
from residua.networks.unfinished import Unfinished
from residua.publishing.publish import write_json, write_text, writing

CURVE = "curve.jsonl"
_FIRST_RATE = 0.1
"""Of the learning rate, with which Auto3DSeg's warm-up begins."""


def train(data: TrainingSet, settings: SegResNetSettings, out: Path, progress: Progress) -> None:
    """Fulfil ``residua.networks.contract.Train``; leave the weights of the last epoch, their description, the curve."""
    with Unfinished(out, ".safetensors", settings.save_every_epochs) as unfinished:
        if (out / WEIGHTS_FILE).exists() and not unfinished.exists():
            return  # A complete training that was killed before its folder was published.
        device = set_up()
        with PatchLoader(_patches(data, settings), settings.batch_size, device) as loader:
            training = _Training(data, settings, device, loader)
            state = training.begun()
            if unfinished.restore(partial(restore, state)) is None and data.start:
                load_weights(state.network, data.start / WEIGHTS_FILE, NETWORK_FILE)
            while state.epoch < settings.epochs:
                progress(state.epoch, settings.epochs)
                state.curve.append(training.one_epoch(state, unfinished))
                write_text(out / CURVE, "".join(json.dumps(record) + "\n" for record in state.curve))
                state.epoch += 1
                if state.epoch < settings.epochs:
                    unfinished.after(state.epoch, captured(state))
    write_json(out / NETWORK_FILE, description(settings, data.channels))
    with writing(out / WEIGHTS_FILE) as beside:
        save_file(tensors_of(state.network), beside)
    unfinished.remove()
    progress(settings.epochs, settings.epochs)


def _patches(data: TrainingSet, settings: SegResNetSettings) -> Patches:
    variation = PatchVariation(settings, [channel.is_label for channel in data.channels])
    return Patches(data, tumours_of(data), settings, variation)


class _Training:
    """One training: its data, its loss and its schedule."""

    def __init__(
        self, data: TrainingSet, settings: SegResNetSettings, device: torch.device, loader: PatchLoader
    ) -> None:
        self._data, self._settings, self._device, self._loader = data, settings, device, loader
        self._patients = epochs_of(data, settings)
        self._loss = DiceCELoss(to_onehot_y=True, softmax=True, squared_pred=True, smooth_nr=0.0, smooth_dr=1e-5)

    def begun(self) -> TrainingState:
        """Return the state before the first epoch."""
        settings = self._settings
        torch.manual_seed(settings.seed)
        network = build_network(description(settings, self._data.channels), settings.dropout).to(self._device)
        optimizer = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
        return TrainingState(network, optimizer, scaler_on(self._device))

    def one_epoch(self, state: TrainingState, unfinished: Unfinished) -> dict[str, Any]:
        """Train for one epoch; return its line of the learning curve."""
        seed = (self._settings.seed, state.epoch)
        torch.manual_seed(sum(seed))
        rate = self._set_rate(state)
        steps, finite = Steps(), []
        patients = enumerate(self._patients(state.epoch))
        for drawn, batch in self._loader.batches(
            [WantedPatch(patient, n, seed, varied=True) for n, patient in patients]
        ):
            loss = self._step(state, batch, unfinished)
            steps.after([patch.patient for patch in drawn], bool(np.isfinite(loss)), state.has_finite_weights)
            finite += [loss] if np.isfinite(loss) else []
        steps.require_convergence("segresnet", state.epoch, state.has_finite_weights())
        train_loss, validation_loss = float(np.mean(finite)), self._validation_loss(state, unfinished)
        print(f"loss {train_loss:.4f}, validation {validation_loss:.4f}", flush=True)
        judged = validation_loss if np.isfinite(validation_loss) else None
        return {"epoch": state.epoch, "train_loss": train_loss, "validation_loss": judged, "learning_rate": rate}

    def _set_rate(self, state: TrainingState) -> float:
        settings = self._settings
        warmup, epochs = settings.warmup_epochs, settings.epochs
        schedule = WarmupCosineSchedule(state.optimizer, warmup, epochs, warmup_multiplier=_FIRST_RATE)
        rate = settings.learning_rate * float(schedule.lr_lambda(state.epoch))
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        return rate

    def _step(self, state: TrainingState, batch: Batch, unfinished: Unfinished) -> float:
        unfinished.leave_if_asked()
        state.network.train()
        state.optimizer.zero_grad(set_to_none=True)
        loss = self._loss_of(state, batch)
        state.scaler.scale(loss).backward()
        state.scaler.step(state.optimizer)
        state.scaler.update()
        return float(loss.detach())

    def _loss_of(self, state: TrainingState, batch: Batch) -> torch.Tensor:
        channels, truth = batch
        with torch.autocast(self._device.type, enabled=self._device.type == "cuda"):
            loss: torch.Tensor = self._loss(state.network(channels), truth)
        return loss

    def _validation_loss(self, state: TrainingState, unfinished: Unfinished) -> float:
        """Return the mean loss of one patch of each validation patient, the same ones after each epoch."""
        state.network.eval()
        seed = (self._settings.seed,)
        wanted = [WantedPatch(patient, n, seed, varied=False) for n, patient in enumerate(self._data.validation)]
        losses = []
        with torch.no_grad():
            for _, batch in self._loader.batches(wanted):
                unfinished.leave_if_asked()
                losses.append(float(self._loss_of(state, batch)))
        return float(np.mean(losses))
