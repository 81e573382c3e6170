"""Set up PyTorch and MONAI before either is used: the job's threads, its device, and plain tensors."""

from __future__ import annotations

import os

import torch
from monai.data import set_track_meta


def set_up() -> torch.device:
    """Use the threads of the job; return the card, or the processor where there is none."""
    # Affines travel with the crop, not with MONAI's tensors.
    set_track_meta(False)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if not torch.cuda.is_available():
        return torch.device("cpu")
    # All patches have one shape, for which the fastest kernels are looked for once. For nnU-Net they are faster with
    # contiguous channels than with channels last; for SegResNet that was not measured.
    torch.backends.cudnn.benchmark = True
    return torch.device("cuda")
