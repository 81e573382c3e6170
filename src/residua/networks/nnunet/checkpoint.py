"""Save the state of an unfinished training, and read it as data: nothing in the file is executed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from residua.networks.generations import Write

_NUMBERS = [np.float64(0).__reduce__()[0], np.dtype, *(type(np.dtype(kind)) for kind in ("f4", "f8", "i8"))]
"""Of what a checkpoint holds beside tensors and builtins: numpy's numbers in nnU-Net's log."""


def copied(state: dict[str, Any]) -> Write:
    """Return a function that writes ``state`` as it is now, from a copy in memory."""
    copy = io.BytesIO()
    torch.save(state, copy)

    def write(file: Path) -> None:
        file.write_bytes(copy.getbuffer())

    return write


def read_checkpoint(file: Path, device: torch.device) -> dict[str, Any]:
    """Return the state that was saved. Raises an error when the file is damaged or holds code."""
    with torch.serialization.safe_globals(_NUMBERS):
        state: dict[str, Any] = torch.load(file, map_location=device, weights_only=True)
    return state


def state_of(trainer: nnUNetTrainer) -> dict[str, Any]:
    """Return what a training needs to go on."""
    scaler = trainer.grad_scaler
    return {
        "network_weights": getattr(trainer.network, "_orig_mod", trainer.network).state_dict(),
        "optimizer_state": trainer.optimizer.state_dict(),
        "grad_scaler_state": scaler.state_dict() if scaler is not None else None,
        "logging": trainer.logger.get_checkpoint(),
        "_best_ema": trainer._best_ema,
        "current_epoch": trainer.current_epoch,
        "inference_allowed_mirroring_axes": trainer.inference_allowed_mirroring_axes,
    }


def resume(trainer: nnUNetTrainer, state: dict[str, Any]) -> None:
    """Let a training continue from a saved state; nnU-Net's own way executes what the file holds."""
    getattr(trainer.network, "_orig_mod", trainer.network).load_state_dict(state["network_weights"])
    trainer.optimizer.load_state_dict(state["optimizer_state"])
    if trainer.grad_scaler is not None and state["grad_scaler_state"] is not None:
        trainer.grad_scaler.load_state_dict(state["grad_scaler_state"])
    trainer.current_epoch, trainer._best_ema = state["current_epoch"], state["_best_ema"]
    trainer.logger.load_checkpoint(state["logging"])
    trainer.inference_allowed_mirroring_axes = state["inference_allowed_mirroring_axes"]
