"""Scale the loss of a PyTorch network, which leaves out steps that are not finite."""

from __future__ import annotations

from typing import Any

import torch


class Unscaled(torch.amp.GradScaler):  # type: ignore[misc]
    """Leaves out steps that are not finite, as on a card, at a scale of 1.

    A scale that grew would overflow after thousands of steps, and one that only halved would vanish.
    """

    def update(self, new_scale: Any = None) -> None:
        """Begin the next step at a scale of 1."""
        super().update(1.0)


def scaler_on(device: torch.device) -> torch.amp.GradScaler:
    """Return PyTorch's own scaler on a card, which computes in 16 bits; on a processor one that scales nothing."""
    return torch.amp.GradScaler(device.type) if device.type == "cuda" else Unscaled("cpu", init_scale=1.0)
