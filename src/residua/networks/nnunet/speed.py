"""Choose how a training step runs on a card: the one place for what ``benchmarks/networks_nnunet.py`` measures."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Speed:
    """How a step runs on a card.

    ``channels_last``: the channels of a voxel lie next to each other. ``tries_kernels``: cuDNN tries its kernels on the
    first step and keeps the fastest, as nnU-Net's own command lets it. ``compiled``: by torch.compile, where it can.
    ``bfloat16``: instead of the float16 of nnU-Net.
    """

    channels_last: bool = False
    tries_kernels: bool = True
    compiled: bool = True
    bfloat16: bool = False

    def set_up(self) -> None:
        """Set what PyTorch keeps for the whole process."""
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = self.tries_kernels, False
        torch.set_autocast_dtype("cuda", torch.bfloat16 if self.bfloat16 else torch.float16)


FASTEST = Speed()


def set_threads(device: torch.device) -> int:
    """Let PyTorch use the threads of the job where they shorten a step; return their number.

    On a card a step needs one; the others are the processes that load the data.
    """
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    torch.set_num_threads(1 if device.type == "cuda" else threads)
    return threads
